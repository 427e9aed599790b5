// Numbers and names in words.

/** "1 video", "5 videos", "12,345 videos". */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** "0:07", "12:05", "1:02:03"; "" if it is not known. */
export function clock(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  const rest = `${two(minutes)}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest.replace(/^0(?=\d:)/, "");
}

/** "512 B", "1.4 MB": powers of 1000, as disks are sold. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** What a cluster is called: its name, or "Cluster 3"; null is what fits no cluster. */
export function clusterName(label, name) {
  if (label === null) return "Unsorted";
  return name ?? `Cluster ${label}`;
}

/** What a run is called in a list. */
export function runName(run) {
  const clusters = counted(run.clusters, "cluster");
  return `Run ${run.run} · ${clusters}${run.in_use ? " · in use" : ""}`;
}

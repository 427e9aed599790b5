// Points on a canvas, coloured by their label: pointed at, stepped through, zoomed and dragged.

const RADIUS = 5;
const REACH = 14;
const MARGIN = 24;
const MOST_ZOOM = 40;
const GOLDEN_ANGLE = 137.508; // neighbouring labels get hues that lie far apart
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/**
 * A map of points {id, x, y, label}; events: onpoint(point|null, {x, y}) as one is pointed at,
 * onstep(point) as the keys go to one, onchoose(point).
 */
export class Chart {
  constructor(canvas, points, events) {
    Object.assign(this, { canvas, points, events });
    this.view = { scale: 1, x: 0, y: 0 };
    this.current = null;
    this.chosen = undefined;
    this.#listen();
  }

  /** The colour of a label in the present scheme. */
  colour(label) {
    if (label === null) return dark.matches ? "#8a9097" : "#80868d";
    const hue = (label * GOLDEN_ANGLE + 170) % 360;
    const lightness = (dark.matches ? 66 : 42) + (Math.floor(label / 8) % 2 ? 9 : 0);
    return `hsl(${hue} 62% ${lightness}%)`;
  }

  /** Take the canvas's size from the page, and draw. */
  fit() {
    const density = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.clientWidth * density;
    this.canvas.height = this.canvas.clientHeight * density;
    this.#place();
  }

  /** Draw one label's points over the others'; undefined: all alike. */
  highlight(label) {
    this.chosen = label;
    this.#draw();
  }

  /** Go nearer (factor above 1) or farther, about a place of the canvas, its middle by default. */
  zoom(factor, at = { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 }) {
    const scale = Math.min(MOST_ZOOM, Math.max(1, this.view.scale * factor));
    const change = scale / this.view.scale;
    this.#look(scale, at.x - (at.x - this.view.x) * change, at.y - (at.y - this.view.y) * change);
  }

  /** Show all points. */
  reset() {
    this.#look(1, 0, 0);
  }

  #look(scale, x, y) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const within = (offset, size) => Math.min(0, Math.max(size - size * scale, offset));
    this.view = { scale, x: within(x, width), y: within(y, height) };
    this.#place();
  }

  #place() {
    const xs = this.points.map((point) => point.x);
    const ys = this.points.map((point) => point.y);
    const across = spread(xs, this.canvas.clientWidth);
    const down = spread(ys, this.canvas.clientHeight);
    const { scale, x, y } = this.view;
    this.spots = this.points.map((point) => ({ point, x: across(point.x) * scale + x, y: down(point.y) * scale + y }));
    this.#draw();
  }

  #draw() {
    const context = this.canvas.getContext("2d");
    const density = window.devicePixelRatio || 1;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    const isMuted = (spot) => this.chosen !== undefined && spot.point.label !== this.chosen;
    const radius = this.points.length > 2000 ? RADIUS * 0.6 : RADIUS;
    for (const isLater of [false, true]) {
      for (const spot of this.spots) {
        if (isMuted(spot) === isLater) continue;
        context.globalAlpha = isMuted(spot) ? 0.18 : 0.88;
        context.fillStyle = this.colour(spot.point.label);
        dot(context, spot, radius);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    const spot = this.spots.find((each) => each.point === this.current);
    if (!spot) return;
    context.lineWidth = 2.5;
    context.strokeStyle = getComputedStyle(this.canvas).color;
    dot(context, spot, RADIUS + 4);
    context.stroke();
  }

  #point(spot) {
    if (this.current === (spot?.point ?? null)) return;
    this.current = spot?.point ?? null;
    this.events.onpoint(this.current, spot);
    this.#draw();
  }

  #nearest(at) {
    let [best, least] = [null, REACH ** 2];
    for (const spot of this.spots) {
      const distance = (spot.x - at.x) ** 2 + (spot.y - at.y) ** 2;
      const isMuted = this.chosen !== undefined && spot.point.label !== this.chosen;
      if (distance < least && !isMuted) [best, least] = [spot, distance];
    }
    return best;
  }

  #step([right, down]) {
    const from = this.spots.find((spot) => spot.point === this.current);
    let [best, least] = [from ? null : this.spots[0], Infinity];
    for (const spot of from ? this.spots : []) {
      const [dx, dy] = [spot.x - from.x, spot.y - from.y];
      const ahead = dx * right + dy * down;
      const aside = Math.abs(dx * down) + Math.abs(dy * right);
      if (ahead > 0 && aside <= ahead * 1.5 && ahead + aside < least) [best, least] = [spot, ahead + aside];
    }
    if (!best) return;
    this.#point(best);
    this.events.onstep(best.point);
  }

  #listen() {
    let held = null;
    let wasDragged = false;
    this.canvas.addEventListener("pointerdown", (event) => {
      held = { x: event.offsetX - this.view.x, y: event.offsetY - this.view.y };
      wasDragged = false;
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const at = { x: event.offsetX, y: event.offsetY };
      if (held && event.buttons && this.view.scale > 1) {
        wasDragged ||= Math.hypot(at.x - this.view.x - held.x, at.y - this.view.y - held.y) > 4;
        if (wasDragged) this.#look(this.view.scale, at.x - held.x, at.y - held.y);
      } else this.#point(this.#nearest(at));
    });
    this.canvas.addEventListener("pointerleave", () => this.#point(null));
    this.canvas.addEventListener("click", (event) => {
      const spot = this.#nearest({ x: event.offsetX, y: event.offsetY });
      if (spot && !wasDragged) this.events.onchoose(spot.point);
    });
    this.canvas.addEventListener("blur", () => this.#point(null));
    this.canvas.addEventListener("keydown", (event) => this.#press(event));
    new ResizeObserver(() => this.canvas.isConnected && this.fit()).observe(this.canvas);
    dark.addEventListener("change", () => this.canvas.isConnected && this.#draw());
  }

  #press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (way) this.#step(way);
    else if (event.key === "Enter" && this.current) this.events.onchoose(this.current);
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "0") this.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function dot(context, spot, radius) {
  context.beginPath();
  context.arc(spot.x, spot.y, radius, 0, 2 * Math.PI);
}

// A function from a coordinate to pixels, so that all lie within the size and its margin.
function spread(values, size) {
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  const unit = most > least ? (size - 2 * MARGIN) / (most - least) : 0;
  return (value) => (unit ? MARGIN + (value - least) * unit : size / 2);
}

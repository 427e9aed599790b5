"""What an index run did, as the tests compare it."""


def counts(result):
    return {
        key: value
        for key, value in vars(result).items()
        if key not in ("seconds", "problems", "frames", "recipe") and value
    }


def paths_and_errors(result):
    return [(problem.path.name, problem.code, problem.message) for problem in result.problems]

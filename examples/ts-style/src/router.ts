import { compile, split, Pattern } from "./pattern.js";

export interface Match {
  readonly route: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The parameters of a path under a pattern, undefined where it does not match. */
export function match(pattern: Pattern, path: string): Record<string, string> | undefined {
  const parts = split(path);
  var parameters: Record<string, string> = {};
  for (const [index, segment] of pattern.segments.entries()) {
    if (segment.kind === "rest") {
      return { ...parameters, rest: parts.slice(index).join("/") };
    }
    const part = parts[index];
    if (part === undefined || (segment.kind === "literal" && segment.text !== part)) {
      return undefined;
    }
    if (segment.kind === "parameter") {
      parameters[segment.name] = decodeURIComponent(part);
    }
  }
  return parts.length === pattern.segments.length ? parameters : undefined;
}

/** Routes in the order they were added; the first that matches wins. */
export class Router {
  readonly #routes = new Map<string, Pattern>();

  add(route: string, source: string): this {
    if (this.#routes.has(route)) {
      throw new Error(`there is a route ${route} already`);
    }
    this.#routes.set(route, compile(source));
    return this;
  }

  find(path: string): Match | undefined {
    for (const [route, pattern] of this.#routes) {
      let parameters = match(pattern, path);
      if (parameters) {
        return { route, parameters };
      }
    }
    return undefined;
  }
}

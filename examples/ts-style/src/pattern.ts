/** A path such as `/users/:id/files/*`, cut into its segments. */
export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string }
  | { readonly kind: "rest" };

export interface Pattern {
  readonly source: string;
  readonly segments: readonly Segment[];
}

function segment(text: string): Segment {
  if (text === "*") {
    return { kind: "rest" };
  }
  if (text.startsWith(":")) {
    let name = text.slice(1);
    return { kind: "parameter", name: name };
  }
  return { kind: "literal", text };
}

export function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

export function compile(source: string): Pattern {
  const segments = split(source).map(segment);
  const rest = segments.findIndex((one) => one.kind === "rest");
  if (rest !== -1 && rest !== segments.length - 1) {
    throw new SyntaxError(`only the last segment can be the rest: ${source}`);
  }
  return { source, segments };
}

// What drawings share: the colours of the theme in force, and peace with the content security policy.

const KINDS: Record<string, string> = {
  component: "--cb-kind-1",
  api: "--cb-kind-2",
  resource: "--cb-kind-3",
  system: "--cb-kind-4",
  domain: "--cb-kind-5",
  group: "--cb-kind-6",
  user: "--cb-kind-6",
};

export function colour(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim() || "#888";
}

export function kindColour(element: Element, kind: string): string {
  return colour(element, KINDS[kind.toLowerCase()] ?? "--cb-graph-line");
}

export function paint(element: Element): Record<"text" | "muted" | "surface" | "line" | "primary" | "family", string> {
  return {
    text: colour(element, "--tblr-body-color"),
    muted: colour(element, "--cb-muted"),
    surface: colour(element, "--tblr-bg-surface"),
    line: colour(element, "--cb-graph-line"),
    primary: colour(element, "--tblr-primary"),
    family: getComputedStyle(element).fontFamily,
  };
}

/**
 * Cytoscape would insert a style element, which the content security policy forbids; it leaves that be when
 * an element of this id is there. The one rule it would hold is in the style sheet.
 */
export function inert(): void {
  const name = "__________cytoscape_stylesheet";
  if (document.getElementById(name)) return;
  const mark = document.createElement("meta");
  mark.id = name;
  document.head.append(mark);
}

// Diagrams from text. Mermaid writes style elements and style attributes, which the content security policy of
// the portal forbids; while a diagram is drawn they are turned into what the policy allows: constructed style
// sheets and properties set by script. Everything else of the policy stays as strict as it is.
import mermaid from "mermaid";

let count = 0;
let queue: Promise<void> = Promise.resolve();
const sheets = new Map<string, CSSStyleSheet>();

function adopt(id: string, text: string): void {
  const known = sheets.get(id);
  const sheet = known ?? new CSSStyleSheet();
  sheet.replaceSync(text);
  if (known) return;
  sheets.set(id, sheet);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

function drop(id: string): void {
  const sheet = sheets.get(id);
  sheets.delete(id);
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
}

/** Run `draw` with style elements and attributes turned into what the policy allows. */
async function allowed<T>(id: string, draw: () => Promise<T>): Promise<T> {
  const create = document.createElement.bind(document);
  const set = Element.prototype.setAttribute;
  const parse = DOMParser.prototype.parseFromString;
  document.createElement = ((tag: string, options?: ElementCreationOptions) => {
    if (tag.toLowerCase() !== "style") return create(tag, options);
    // Something else stands where the style element would, and hands its text on.
    const mark = create("metadata");
    const property = { get: () => "", set: (text: string) => adopt(id, text) };
    Object.defineProperty(mark, "innerHTML", property);
    Object.defineProperty(mark, "textContent", property);
    return mark;
  }) as typeof document.createElement;
  Element.prototype.setAttribute = function (name: string, value: string) {
    if (name === "style" && "style" in this) (this as SVGElement).style.cssText = value;
    else set.call(this, name, value);
  };
  // The finished drawing is parsed once more to be sanitised.
  DOMParser.prototype.parseFromString = function (text: string, type: DOMParserSupportedType) {
    return parse.call(this, inert(String(text)), type);
  };
  try {
    return await draw();
  } finally {
    document.createElement = create as typeof document.createElement;
    Element.prototype.setAttribute = set;
    DOMParser.prototype.parseFromString = parse;
  }
}

function inert(svg: string): string {
  return svg.replace(/<style[^>]*>[\s\S]*?<\/style>/g, "").replace(/\sstyle=/g, " data-style=");
}

/** Bring the finished drawing in without a style element or attribute ever being parsed in this document. */
function place(element: HTMLElement, svg: string): void {
  element.innerHTML = inert(svg);
  for (const node of element.querySelectorAll<SVGElement>("[data-style]")) {
    node.style.cssText = node.dataset.style ?? "";
    delete node.dataset.style;
  }
  // Mermaid measured the drawing before all of its parts had their place; here they have.
  const drawing = element.querySelector<SVGSVGElement>(":scope > svg");
  const box = drawing?.getBBox();
  if (!drawing || !box?.width) return;
  const around = 8;
  drawing.setAttribute("viewBox", `${box.x - around} ${box.y - around} ${box.width + 2 * around} ${box.height + 2 * around}`);
  drawing.style.maxWidth = `${box.width + 2 * around}px`;
}

function configure(): void {
  const dark = document.documentElement.dataset.bsTheme === "dark";
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: dark ? "dark" : "neutral",
    fontFamily: getComputedStyle(document.body).fontFamily,
    suppressErrorRendering: true,
    flowchart: { htmlLabels: false },
    htmlLabels: false,
    maxTextSize: 50_000,
    maxEdges: 1000,
  });
}

export function mount(element: HTMLElement): () => void {
  const source = element.textContent ?? "";
  const kept = [...element.childNodes];
  count += 1;
  const id = `td-mermaid-${count}`;
  let over = false;
  const draw = (): void => {
    // One after the other: two diagrams drawn at once would take each other's style sheets.
    queue = queue.then(async () => {
      if (over || !element.isConnected) return;
      configure();
      try {
        const { svg } = await allowed(id, () => mermaid.render(id, source));
        place(element, svg);
        element.setAttribute("role", "img");
        // What its author calls it, or at least what sort of diagram it is.
        const title = /^\s*(?:accTitle:|title\b:?)\s*(.+)$/m.exec(source)?.[1];
        element.setAttribute("aria-label", title ?? source.trim().split("\n")[0] ?? "");
      } catch (error) {
        document.getElementById(`d${id}`)?.remove();
        element.replaceChildren(...kept);
        element.title = error instanceof Error ? error.message.split("\n")[0] : "";
      }
    });
  };
  draw();
  const watch = new MutationObserver(draw);
  watch.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  return () => {
    over = true;
    watch.disconnect();
    drop(id);
  };
}

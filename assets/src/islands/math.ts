// Formulas, written as MathML: every browser draws it, and it needs neither fonts nor styles of its own.
import katex from "katex";
import { all } from "../dom";

export function mount(element: HTMLElement): void {
  const text = element.closest(".td-text") ?? document.body;
  for (const node of all<HTMLElement>(".arithmatex", text)) {
    const source = (node.textContent ?? "").trim();
    const display = /^\\\[[\s\S]*\\\]$/.test(source) || /^\$\$[\s\S]*\$\$$/.test(source);
    const formula = source.replace(/^(\\\[|\\\(|\$\$?)/, "").replace(/(\\\]|\\\)|\$\$?)$/, "");
    try {
      katex.render(formula, node, { output: "mathml", displayMode: display, throwOnError: true, trust: false, maxExpand: 500, strict: "ignore" });
    } catch (error) {
      node.title = error instanceof Error ? error.message : "";
    }
  }
}

// Islands: heavy parts, loaded only on pages that hold one. `<div data-island="graph">` is mounted by graph.ts.
import { all, find } from "./dom";

export type Mount = (element: HTMLElement) => void | (() => void);

const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript : null;
const list = script?.dataset.dist ?? "";
const mounted = new Map<HTMLElement, void | (() => void)>();
let files: Promise<Record<string, string>> | null = null;

async function load(name: string): Promise<Mount> {
  files ??= fetch(list).then((answer) => answer.json() as Promise<Record<string, string>>);
  const file = (await files)[name];
  if (!file) throw new Error(`there is no island called ${name}`);
  const address = new URL(file, new URL(list, location.href)).href;
  return ((await import(/* @vite-ignore */ address)) as { mount: Mount }).mount;
}

async function mount(element: HTMLElement): Promise<void> {
  mounted.set(element, undefined);
  try {
    const start = await load(element.dataset.island ?? "");
    if (element.isConnected) mounted.set(element, start(element));
    element.classList.add("is-mounted");
  } catch (error) {
    console.error(error);
    const template = find<HTMLTemplateElement>("#cb-card-error");
    if (!template) return;
    element.replaceChildren(template.content.cloneNode(true));
    find("[data-retry]", element)?.addEventListener("click", () => location.reload());
  }
}

function look(): void {
  for (const [element, end] of mounted) {
    if (element.isConnected) continue;
    if (typeof end === "function") end();
    mounted.delete(element);
  }
  for (const element of all("[data-island]")) if (!mounted.has(element)) void mount(element);
}

export function start(): void {
  look();
  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("htmx:historyRestore", look);
}

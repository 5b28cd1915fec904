// Keyboard shortcuts; which sequences there are stands in the help sheet, which plugins feed.
import { all, closest, find } from "./dom";
import { openPalette } from "./palette";
import { toggleSide } from "./shell";

const PATIENCE = 1200;
let typed: string[] = [];
let timer = 0;

function writing(event: KeyboardEvent): boolean {
  const element = event.target;
  // A field of a dialog that was closed a moment ago may still hold the focus.
  if (!(element instanceof HTMLElement) || !element.checkVisibility()) return false;
  return element.isContentEditable || element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

function sheet(): HTMLDialogElement | null {
  return find<HTMLDialogElement>("#shortcuts");
}

function openSheet(): void {
  const dialog = sheet();
  if (dialog && !dialog.open) dialog.showModal();
}

function follow(): boolean {
  const links = all<HTMLAnchorElement>("#shortcuts [data-keys]");
  const sequence = typed.join(" ");
  const link = links.find((one) => one.dataset.keys === sequence);
  if (link) {
    typed = [];
    sheet()?.close();
    link.click();
    return true;
  }
  if (!links.some((one) => one.dataset.keys?.startsWith(`${sequence} `))) {
    const last = typed.at(-1);
    const begins = last && typed.length > 1 && links.some((one) => one.dataset.keys?.startsWith(`${last} `));
    typed = begins ? [last] : [];
    return false;
  }
  clearTimeout(timer);
  timer = window.setTimeout(() => (typed = []), PATIENCE);
  return true;
}

function single(key: string): boolean {
  if (key === "/") openPalette();
  else if (key === "?") openSheet();
  else if (key === "[") toggleSide();
  else if (key === "n" || key === "p") {
    const link = find<HTMLAnchorElement>(`#page a[rel=${key === "n" ? "next" : "prev"}]`);
    if (!link) return false;
    link.click();
  } else return false;
  return true;
}

export function start(): void {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return openPalette();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writing(event)) return;
    if (find("dialog[open]:not(#shortcuts)") || find(".modal.show") || event.key.length !== 1) return;
    typed.push(event.key);
    if (follow() || single(event.key)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (closest(event, "[data-shortcuts-open]")) openSheet();
    const dialog = event.target;
    // A click on the backdrop arrives at the dialog itself.
    if (dialog instanceof HTMLDialogElement && dialog.matches(".cb-sheet, .cb-palette, .cb-confirm")) dialog.close();
  });
}

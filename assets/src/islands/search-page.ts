// Keys of the search page: j and k (or the arrows) move between results, Enter opens, / goes to the field.
// What is opened is told to the portal, so that it comes earlier next time.
import { tell } from "../dom";

function writing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

export function mount(form: HTMLElement): () => void {
  const field = form.querySelector<HTMLInputElement>("[data-search-field]");
  const links = (): HTMLAnchorElement[] => [...document.querySelectorAll<HTMLAnchorElement>("[data-search-results] a[data-result]")];

  function step(by: number): void {
    const found = links();
    const at = found.indexOf(document.activeElement as HTMLAnchorElement);
    if (at + by < 0) return field?.focus();
    const link = found[Math.min(at + by, found.length - 1)];
    link?.focus({ preventScroll: true });
    link?.closest("li")?.scrollIntoView({ block: "nearest" });
  }

  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const inField = event.target === field;
    const among = document.activeElement instanceof HTMLAnchorElement && Boolean(document.activeElement.dataset.result);
    if (inField && event.key === "ArrowDown") step(1);
    else if (inField && event.key === "Escape") field?.blur();
    else if (writing(event.target)) return;
    else if (event.key === "/") field?.focus(), field?.select();
    else if (event.key === "j" || (among && event.key === "ArrowDown")) step(1);
    else if ((event.key === "k" || event.key === "ArrowUp") && among) step(-1);
    else return;
    event.preventDefault();
    // The shell has its own meaning for some of these keys.
    event.stopImmediatePropagation();
  }

  function opened(event: MouseEvent): void {
    if (event.button > 1 || !(event.target instanceof Element)) return;
    const link = event.target.closest<HTMLAnchorElement>("[data-search-results] a[data-result]");
    const place = link?.closest<HTMLElement>("[data-search-results]");
    if (link && place?.dataset.note) tell(place.dataset.note, { id: link.dataset.result ?? "", q: place.dataset.text ?? "" });
  }

  document.addEventListener("keydown", press, true);
  document.addEventListener("click", opened, true);
  document.addEventListener("auxclick", opened, true);
  return () => {
    document.removeEventListener("keydown", press, true);
    document.removeEventListener("click", opened, true);
    document.removeEventListener("auxclick", opened, true);
  };
}

// Keys of the catalog table: j and k move, Enter opens, x picks, s stars, / goes to the filter.
type Keys = (event: KeyboardEvent) => void;

function writing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

export function mount(form: HTMLElement): () => void {
  let here = -1;
  let sequence = -Infinity;
  const rows = (): HTMLElement[] => [...form.querySelectorAll<HTMLElement>("tr[data-row]")];

  function go(to: number): void {
    const found = rows();
    if (!found.length) return;
    here = Math.max(0, Math.min(to, found.length - 1));
    for (const [index, row] of found.entries()) row.classList.toggle("is-here", index === here);
    const link = found[here]?.querySelector<HTMLAnchorElement>("th a");
    link?.focus({ preventScroll: true });
    found[here]?.scrollIntoView({ block: "nearest" });
  }

  const press: Keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const field = form.querySelector<HTMLInputElement>("[data-filter]");
    if (event.target === field) {
      if (event.key === "ArrowDown" || event.key === "Escape") {
        event.preventDefault();
        if (event.key === "Escape") field?.blur();
        else go(0);
      }
      return;
    }
    if (writing(event.target)) return;
    // After "g" the next key belongs to a shortcut of the shell.
    const begun = event.timeStamp - sequence < 1200;
    sequence = event.key === "g" ? event.timeStamp : -Infinity;
    if (begun) return;
    if (event.key === "/") field?.focus(), field?.select();
    else if (event.key === "j") go(here + 1);
    else if (event.key === "k") go(here < 0 ? 0 : here - 1);
    else if (event.key === "s" && here >= 0) rows()[here]?.querySelector<HTMLElement>("[data-star]")?.click();
    else if (event.key === "x" && here >= 0) rows()[here]?.querySelector<HTMLInputElement>(".cat-c-pick input")?.click();
    else return;
    event.preventDefault();
    // The shell has its own meaning for some of these keys.
    event.stopImmediatePropagation();
  };
  // How many are picked, in the words of the page.
  const count = (): void => {
    const said = form.querySelector<HTMLElement>("[data-picked]");
    if (!said) return;
    said.dataset.word ??= said.textContent ?? "";
    said.textContent = `${said.dataset.word}: ${form.querySelectorAll("td.cat-c-pick input:checked").length}`;
  };
  const again = (): void => {
    if (!form.querySelector("tr.is-here")) here = -1;
  };
  document.addEventListener("keydown", press, { capture: true });
  document.addEventListener("htmx:afterSettle", again);
  form.addEventListener("change", count);
  return () => {
    document.removeEventListener("keydown", press, { capture: true });
    document.removeEventListener("htmx:afterSettle", again);
  };
}

// The command palette: one field that finds pages, commands and whatever plugins know.
import { all, closest, find, tell } from "./dom";

interface Visit {
  title: string;
  url: string;
}

const KEEP = 6;
let asked: AbortController | null = null;
let timer = 0;
let shown = "";

function dialog(): HTMLDialogElement | null {
  return find<HTMLDialogElement>("#palette");
}

function key(): string {
  return `cb-recent ${dialog()?.dataset.who ?? ""}`;
}

function recent(): Visit[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(key()) ?? "[]");
    return Array.isArray(kept) ? (kept as Visit[]).filter((one) => one.url?.startsWith("/")) : [];
  } catch {
    return [];
  }
}

function remember(): void {
  const box = dialog();
  if (!box || !find("#page > [data-nav]") || find("#page .cb-error")) return;
  const title = find("#page h1")?.textContent?.trim() || document.title;
  const url = location.pathname + location.search;
  const kept = [{ title, url }, ...recent().filter((one) => one.url !== url)];
  sessionStorage.setItem(key(), JSON.stringify(kept.slice(0, KEEP + 1)));
}

function items(): HTMLAnchorElement[] {
  return all<HTMLAnchorElement>("#palette-list a[role=option]");
}

function choose(item: HTMLAnchorElement | undefined): void {
  const input = find<HTMLInputElement>("#palette-input");
  for (const other of items()) other.setAttribute("aria-selected", String(other === item));
  if (!item) return input?.removeAttribute("aria-activedescendant");
  input?.setAttribute("aria-activedescendant", item.id);
  item.scrollIntoView({ block: "nearest" });
}

function number(): void {
  items().forEach((item, index) => (item.id = `palette-${index}`));
  choose(items()[0]);
}

function addRecent(list: HTMLElement): void {
  const here = location.pathname + location.search;
  const visits = recent().filter((one) => one.url !== here).slice(0, KEEP);
  const sample = find("a[role=option]", list);
  if (!visits.length || !sample) return;
  const title = find<HTMLTemplateElement>("#palette-recent")?.content.textContent?.trim() ?? "";
  const group = document.createElement("div");
  group.className = "cb-palette-group";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", title);
  const heading = document.createElement("div");
  heading.className = "cb-palette-title";
  heading.setAttribute("aria-hidden", "true");
  heading.textContent = title;
  group.append(heading);
  for (const visit of visits) {
    const item = sample.cloneNode(true) as HTMLAnchorElement;
    item.setAttribute("href", visit.url);
    const use = find<SVGUseElement>("use", item);
    use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, "#history"));
    const text = document.createElement("span");
    text.textContent = visit.title;
    find(".cb-palette-text", item)?.replaceChildren(text);
    find(".cb-keys", item)?.remove();
    group.append(item);
  }
  list.prepend(group);
}

async function ask(text: string): Promise<void> {
  const box = dialog();
  const list = find("#palette-list");
  if (!box || !list) return;
  asked?.abort();
  asked = new AbortController();
  try {
    const url = `${box.dataset.url}?q=${encodeURIComponent(text)}`;
    const answer = await fetch(url, { signal: asked.signal, headers: { "HX-Request": "true" }, credentials: "same-origin" });
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) return location.assign(elsewhere);
    if (!answer.ok) return;
    list.innerHTML = await answer.text();
    shown = text;
    if (!text) addRecent(list);
    list.scrollTop = 0;
    number();
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) list.replaceChildren();
  }
}

export function openPalette(): void {
  const box = dialog();
  const input = find<HTMLInputElement>("#palette-input");
  if (!box || !input || box.open) return;
  for (const other of all<HTMLDialogElement>("dialog[open]")) other.close();
  input.value = "";
  box.showModal();
  input.focus();
  void ask("");
}

function open(item: HTMLAnchorElement, newTab: boolean): void {
  if (item.dataset.note) tell(item.dataset.note, { q: shown });
  if (newTab) {
    window.open(item.href, "_blank", "noopener");
    return;
  }
  dialog()?.close();
  const [path] = item.href.split("#");
  if (path === location.href.split("#")[0]) location.assign(item.href);
  else void visit(item.getAttribute("href") ?? "/");
}

// Who types faster than the answer comes means what was typed, not what still stands there.
async function openFirst(text: string, newTab: boolean): Promise<void> {
  clearTimeout(timer);
  await ask(text);
  const item = items()[0];
  if (item && shown === text && dialog()?.open) open(item, newTab);
}

async function visit(url: string): Promise<void> {
  // A boosted link of the page's own, so that going there is as quick as a click.
  const link = document.createElement("a");
  link.href = url;
  link.hidden = true;
  document.body.append(link);
  window.htmx.process(link);
  link.click();
  link.remove();
}

export function start(): void {
  remember();
  document.addEventListener("cb:page", remember);
  document.addEventListener("click", (event) => {
    if (closest(event, "[data-palette-open]")) return openPalette();
    const item = closest<HTMLAnchorElement>(event, "#palette-list a[role=option]");
    if (!item || !(event instanceof MouseEvent) || event.button) return;
    event.preventDefault();
    open(item, event.ctrlKey || event.metaKey);
  });
  document.addEventListener("mousemove", (event) => {
    const item = closest<HTMLAnchorElement>(event, "#palette-list a[role=option]");
    if (item && item.getAttribute("aria-selected") !== "true") choose(item);
  });
  document.addEventListener("input", (event) => {
    const input = closest<HTMLInputElement>(event, "#palette-input");
    if (!input) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => void ask(input.value.trim()), 80);
  });
  document.addEventListener("keydown", (event) => {
    if (!closest(event, "#palette")) return;
    const every = items();
    const at = every.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: every.length - 1 };
    if (event.key in steps && every.length && !(event.shiftKey || event.altKey)) {
      event.preventDefault();
      choose(every[((steps[event.key] ?? 0) + every.length) % every.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const text = find<HTMLInputElement>("#palette-input")?.value.trim() ?? "";
      const newTab = event.ctrlKey || event.metaKey;
      const item = every[at];
      if (text !== shown) void openFirst(text, newTab);
      else if (item) open(item, newTab);
    }
  });
}

// The frame: side bar, menus, theme, copy buttons.
import { all, announce, closest, find, setCookie } from "./dom";

const root = document.documentElement;
const phone = matchMedia("(max-width: 991.98px)");

export function toggleSide(): void {
  if (phone.matches) return openSide(!root.classList.contains("cb-side-open"));
  const collapsed = root.dataset.side !== "collapsed";
  if (collapsed) root.dataset.side = "collapsed";
  else delete root.dataset.side;
  setCookie("callboard_side", collapsed ? "collapsed" : "wide");
  find("[data-side-collapse]")?.setAttribute("aria-pressed", String(collapsed));
}

function openSide(open: boolean): void {
  const side = find("#side");
  root.classList.toggle("cb-side-open", open);
  find("[data-side-toggle]")?.setAttribute("aria-expanded", String(open));
  if (open) find<HTMLElement>(".cb-nav-link", side ?? document)?.focus();
}

function closeMenus(except: Element | null): void {
  for (const menu of all<HTMLDetailsElement>("[data-menu][open]")) if (menu !== except) menu.open = false;
}

function chooseTheme(form: HTMLFormElement, button: HTMLButtonElement): void {
  const theme = button.value;
  root.dataset.theme = theme;
  for (const other of all<HTMLButtonElement>('[data-theme-form] button[name="theme"]')) {
    other.setAttribute("aria-pressed", String(other.value === theme));
  }
  const body = new FormData(form);
  body.set("theme", theme);
  void fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" }, credentials: "same-origin" });
}

async function copy(button: HTMLElement): Promise<void> {
  const text = button.dataset.copy ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS browsers keep the clipboard closed; the old way still works.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.classList.add("is-copied");
  announce(button.dataset.copied ?? "");
  setTimeout(() => button.classList.remove("is-copied"), 1600);
}

export function start(): void {
  if (/Mac|iPhone|iPad/.test(navigator.platform)) {
    for (const key of all("[data-mod-key]")) key.textContent = (key.textContent ?? "").replace("Ctrl ", "⌘");
  }
  const toggle = find("[data-side-toggle]");
  toggle?.setAttribute("role", "button");
  toggle?.setAttribute("aria-expanded", "false");
  document.addEventListener("click", (event) => {
    if (closest(event, "[data-side-toggle]")) {
      event.preventDefault();
      return toggleSide();
    }
    if (closest(event, "[data-side-close]")) {
      event.preventDefault();
      return openSide(false);
    }
    if (closest(event, "[data-side-collapse]")) return toggleSide();
    closeMenus(closest(event, "[data-menu]"));
    const button = closest(event, "[data-copy]");
    if (button) void copy(button);
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = find<HTMLDetailsElement>("[data-menu][open]");
    if (menu) {
      menu.open = false;
      find("summary", menu)?.focus();
    }
    if (root.classList.contains("cb-side-open")) {
      openSide(false);
      toggle?.focus();
    }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    const button = event.submitter;
    if (form.matches("[data-theme-form]") && button instanceof HTMLButtonElement && button.name === "theme") {
      event.preventDefault();
      chooseTheme(form, button);
    }
    // What was visited is nobody else's business on a shared machine.
    if (form.matches("[data-sign-out]")) sessionStorage.clear();
  });
  document.addEventListener("cb:page", () => openSide(false));
}

// The reader of documentation: copy buttons, pictures to look at closely, where you are, remarks on a sentence.
import { all, announce, find } from "../dom";

type End = () => void;

function copyButtons(root: HTMLElement): void {
  for (const block of all<HTMLElement>(".td-text pre", root)) {
    if (block.closest(".linenodiv, .td-diagram")) continue;
    const box = block.closest<HTMLElement>(".highlight") ?? block.parentElement;
    if (!box || box.querySelector(":scope > .td-copy")) continue;
    if (!box.classList.contains("highlight")) {
      const wrap = document.createElement("div");
      wrap.className = "highlight";
      block.replaceWith(wrap);
      wrap.append(block);
    }
    block.tabIndex = 0;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "td-copy";
    button.textContent = root.dataset.copyLabel ?? "Copy";
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(block.textContent ?? "").then(() => {
        button.textContent = root.dataset.copiedLabel ?? "Copied";
        button.classList.add("is-copied");
        announce(button.textContent);
        setTimeout(() => {
          button.textContent = root.dataset.copyLabel ?? "Copy";
          button.classList.remove("is-copied");
        }, 1600);
      });
    });
    block.closest(".highlight")?.append(button);
  }
}

function lightBox(root: HTMLElement, label: string): End {
  const open = (image: HTMLImageElement): void => {
    const dialog = document.createElement("dialog");
    dialog.className = "td-light";
    dialog.setAttribute("aria-label", image.alt || label);
    const large = document.createElement("img");
    large.src = image.currentSrc || image.src;
    large.alt = image.alt;
    dialog.append(large);
    dialog.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      image.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  };
  for (const image of all<HTMLImageElement>(".td-text img", root)) {
    if (image.closest("a") || image.classList.contains("skip-lightbox") || image.classList.contains("off-glb")) continue;
    const ready = (): void => {
      if (image.naturalWidth < 64) return;
      image.classList.add("is-zoomable");
      image.tabIndex = 0;
      image.setAttribute("role", "button");
    };
    if (image.complete) ready();
    else image.addEventListener("load", ready, { once: true });
  }
  const act = (event: Event): void => {
    const image = event.target instanceof HTMLImageElement ? event.target : null;
    if (!image?.classList.contains("is-zoomable")) return;
    if (event instanceof KeyboardEvent && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open(image);
  };
  root.addEventListener("click", act);
  root.addEventListener("keydown", act);
  return () => undefined;
}

function whereYouAre(root: HTMLElement): End {
  const links = new Map<string, HTMLElement[]>();
  for (const link of all<HTMLAnchorElement>(".td-toc a", root)) {
    const id = decodeURIComponent(link.hash.slice(1));
    links.set(id, [...(links.get(id) ?? []), link]);
  }
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter((node) => node !== null);
  if (!headings.length) return () => undefined;
  const show = (): void => {
    const line = 96;
    let here = headings[0];
    for (const heading of headings) if (heading.getBoundingClientRect().top <= line) here = heading;
    const end = innerHeight + scrollY >= document.documentElement.scrollHeight - 4;
    if (end && scrollY > 0) here = headings[headings.length - 1];
    for (const [id, items] of links) for (const item of items) item.classList.toggle("is-here", id === here.id);
  };
  let frame = 0;
  const soon = (): void => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(show);
  };
  show();
  addEventListener("scroll", soon, { passive: true });
  return () => removeEventListener("scroll", soon);
}

/** Find words in the text of a page and answer the range they span, whatever elements they cross. */
function rangeOf(text: HTMLElement, quote: string): Range | null {
  const wanted = quote.replace(/\s+/g, " ").trim();
  const places: [Text, number][] = [];
  let plain = "";
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const content = node.textContent ?? "";
    for (let at = 0; at < content.length; at += 1) {
      const space = /\s/.test(content[at]);
      if (space && plain.endsWith(" ")) continue;
      plain += space ? " " : content[at];
      places.push([node as Text, at]);
    }
  }
  const start = plain.indexOf(wanted);
  if (!wanted || start < 0) return null;
  const range = document.createRange();
  range.setStart(...places[start]);
  const [last, at] = places[start + wanted.length - 1];
  range.setEnd(last, at + 1);
  return range;
}

function markRemarks(root: HTMLElement): void {
  const text = find(".td-text", root);
  const registry = (CSS as unknown as { highlights?: Map<string, unknown> }).highlights;
  const Kind = (globalThis as unknown as { Highlight?: new (...ranges: Range[]) => unknown }).Highlight;
  if (!text || !registry || !Kind) return;
  const quotes = all<HTMLElement>("[data-remark-quote]", root).map((item) => item.dataset.remarkQuote ?? "");
  const ranges = quotes.map((quote) => rangeOf(text, quote)).filter((range) => range !== null);
  if (ranges.length) registry.set("td-remark", new Kind(...ranges));
  else registry.delete("td-remark");
}

function remarks(root: HTMLElement): End {
  const dialog = find<HTMLDialogElement>("#td-remark");
  const text = find(".td-text", root);
  if (!dialog || !text || !root.dataset.remark) return () => undefined;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-primary btn-sm td-select";
  button.textContent = root.dataset.remark;
  button.hidden = true;
  root.append(button);
  const open = (quote: string): void => {
    const field = find<HTMLInputElement>("input[name=quote]", dialog);
    const shown = find(".td-quote", dialog);
    if (field) field.value = quote;
    if (shown) {
      shown.hidden = !quote;
      shown.textContent = quote;
    }
    dialog.showModal();
    find<HTMLTextAreaElement>("textarea", dialog)?.focus();
  };
  const selected = (): void => {
    const selection = getSelection();
    const quote = selection?.toString().replace(/\s+/g, " ").trim() ?? "";
    const inside = selection?.anchorNode && text.contains(selection.anchorNode) && text.contains(selection.focusNode);
    button.hidden = !inside || quote.length < 3 || quote.length > 1000;
    if (button.hidden || !selection) return;
    const box = selection.getRangeAt(0).getBoundingClientRect();
    const frame = root.getBoundingClientRect();
    button.style.left = `${box.left + box.width / 2 - frame.left}px`;
    button.style.top = `${box.top - frame.top}px`;
  };
  root.style.position = "relative";
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => open(getSelection()?.toString().replace(/\s+/g, " ").trim() ?? ""));
  const clicked = (event: MouseEvent): void => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-remark-open]")) open("");
    if (target?.closest("[data-remark-close]")) dialog.close();
  };
  const sent = (event: Event): void => {
    const detail = (event as CustomEvent<{ elt: Element; successful: boolean }>).detail;
    if (detail.elt.closest("#td-remark") && detail.successful) {
      dialog.close();
      find<HTMLFormElement>("form", dialog)?.reset();
      getSelection()?.removeAllRanges();
      button.hidden = true;
    }
  };
  const settled = (event: Event): void => {
    if ((event.target as Element | null)?.id === "td-feedback") markRemarks(root);
  };
  document.addEventListener("selectionchange", selected);
  document.addEventListener("click", clicked);
  document.addEventListener("htmx:afterRequest", sent);
  document.addEventListener("htmx:afterSettle", settled);
  return () => {
    document.removeEventListener("selectionchange", selected);
    document.removeEventListener("click", clicked);
    document.removeEventListener("htmx:afterRequest", sent);
    document.removeEventListener("htmx:afterSettle", settled);
    (CSS as unknown as { highlights?: Map<string, unknown> }).highlights?.delete("td-remark");
  };
}

function keys(root: HTMLElement): End {
  const field = find<HTMLInputElement>("#td-find", root);
  const pressed = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target === field && event.key === "Escape") {
      field.value = "";
      find("#td-found", root)?.replaceChildren();
      field.blur();
      return;
    }
    if (target === field && event.key === "ArrowDown") {
      event.preventDefault();
      find<HTMLElement>(".td-hits a", root)?.focus();
      return;
    }
    const hit = target.closest<HTMLElement>(".td-hits a");
    if (hit && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const hits = all<HTMLElement>(".td-hits a", root);
      const next = hits[hits.indexOf(hit) + (event.key === "ArrowDown" ? 1 : -1)];
      (next ?? field)?.focus();
      return;
    }
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    const step = event.key === "," ? "prev" : event.key === "." ? "next" : "";
    if (event.key === "s" && field) {
      event.preventDefault();
      field.focus();
    } else if (step) find<HTMLAnchorElement>(`.td-steps [rel=${step}]`, root)?.click();
  };
  const away = (event: Event): void => {
    if (!(event.target as Element).closest(".td-find")) find("#td-found", root)?.replaceChildren();
  };
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", away);
  return () => {
    document.removeEventListener("keydown", pressed);
    document.removeEventListener("click", away);
  };
}

/** Tabs of the same name follow each other on a page, so that one choice of a language or system is enough. */
function linkTabs(root: HTMLElement): void {
  root.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    const set = input.closest(".tabbed-set");
    if (!set) return;
    const name = find(`label[for="${CSS.escape(input.id)}"]`, set as HTMLElement)?.textContent;
    for (const label of all<HTMLLabelElement>(".tabbed-labels > label", root)) {
      const other = label.textContent === name ? document.getElementById(label.htmlFor) : null;
      if (other instanceof HTMLInputElement && other !== input) other.checked = true;
    }
  });
}

function printing(root: HTMLElement): End {
  const button = find("[data-print]");
  const print = (): void => {
    for (const details of all<HTMLDetailsElement>(".td-text details", root)) details.open = true;
    window.print();
  };
  button?.addEventListener("click", print);
  return () => button?.removeEventListener("click", print);
}

export function mount(root: HTMLElement): End {
  copyButtons(root);
  linkTabs(root);
  const current = find(".td-nav [aria-current]", root);
  const nav = current?.closest<HTMLElement>(".td-nav");
  if (current && nav && nav.scrollHeight > nav.clientHeight) nav.scrollTop = (current as HTMLElement).offsetTop - nav.clientHeight / 2;
  const ends = [lightBox(root, root.dataset.closeLabel ?? ""), whereYouAre(root), remarks(root), keys(root), printing(root)];
  markRemarks(root);
  return () => ends.forEach((end) => end());
}

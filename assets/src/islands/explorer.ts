// The relations explorer: a large graph, laid out in a worker, to look around in, search and take away.
//
// Data: JSON at `data-url`: {nodes: [{id, title, kind, url, missing, focus, members}], edges: [{from, to, label, count}], notice}.
import cytoscape, { type Core, type NodeSingular } from "cytoscape";
import { inert, kindColour, paint } from "../drawing";
import type { Plan } from "./explorer-layout";

interface Node {
  id: string;
  title: string;
  kind: string;
  url: string;
  missing: boolean;
  focus: boolean;
  members: number;
}

interface Graph {
  nodes: Node[];
  edges: { from: string; to: string; label: string; count: number }[];
  notice: string;
}

const LARGE = 300;
/** Beyond this many, layers become a wall that nobody can read. */
const LAYERED = 60;
/** Few enough for every line to say what it means. */
const TOLD = 20;
const LETTER = 6.6;

inert();

async function worker(): Promise<Worker> {
  const list = document.querySelector<HTMLScriptElement>("script[data-dist]")?.dataset.dist ?? "";
  const files = (await (await fetch(list)).json()) as Record<string, string>;
  return new Worker(new URL(files["explorer-layout"] ?? "", new URL(list, location.href)), { type: "module" });
}

function places(at: Worker, plan: Plan): Promise<Record<string, [number, number]>> {
  return new Promise((done, failed) => {
    at.onmessage = (event: MessageEvent<{ places: Record<string, [number, number]> }>) => done(event.data.places);
    at.onerror = (event) => failed(new Error(event.message));
    at.postMessage(plan);
  });
}

function label(node: Node): string {
  const title = node.title.length > 34 ? `${node.title.slice(0, 33)}…` : node.title;
  return node.members ? `${title} · ${node.members}` : title;
}

function style(element: HTMLElement, large: boolean): cytoscape.StylesheetJson {
  const { text, muted, surface, line, primary, family } = paint(element);
  return [
    {
      selector: "node",
      style: {
        shape: "round-rectangle", width: "data(width)", height: 26, "background-color": surface, "border-width": 1.5,
        "border-color": (node: NodeSingular) => kindColour(element, String(node.data("kind"))),
        label: "data(label)", color: text, "font-size": 11, "font-family": family, "text-valign": "center", "text-halign": "center",
        "min-zoomed-font-size": large ? 6 : 4,
      },
    },
    { selector: "node.missing", style: { "border-style": "dashed", color: muted } },
    { selector: "node.focus, node.chosen", style: { "border-width": 3, "border-color": primary, "font-weight": "bold" } },
    { selector: "node.hit", style: { "background-color": primary, color: surface } },
    { selector: ".away", style: { opacity: 0.15 } },
    {
      selector: "edge",
      style: {
        width: "data(width)", "line-color": line, "target-arrow-color": line, "target-arrow-shape": "triangle", "arrow-scale": 0.7,
        "curve-style": large ? "straight" : "bezier",
      },
    },
    {
      selector: "edge.near, edge.told",
      style: {
        label: "data(label)", color: muted, "font-size": 9, "font-family": family,
        "text-background-color": surface, "text-background-opacity": 0.9, "text-rotation": "autorotate",
      },
    },
    { selector: "edge.near", style: { "line-color": primary, "target-arrow-color": primary, "z-index": 9 } },
  ] as unknown as cytoscape.StylesheetJson;
}

function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Write the drawing as SVG: what is on the canvas, in full and to any size. */
function svg(graph: Core, element: HTMLElement): string {
  const { text, surface, line, family } = paint(element);
  const box = graph.elements().boundingBox();
  const safe = (value: string): string => value.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const edges = graph.edges().map((edge) => {
    const [from, to] = [edge.sourceEndpoint(), edge.targetEndpoint()];
    return `<line x1="${from.x.toFixed(1)}" y1="${from.y.toFixed(1)}" x2="${to.x.toFixed(1)}" y2="${to.y.toFixed(1)}" marker-end="url(#to)"><title>${safe(String(edge.data("label")))}</title></line>`;
  });
  const nodes = graph.nodes().map((node) => {
    const { x, y } = node.position();
    const width = Number(node.data("width"));
    return `<g><rect x="${(x - width / 2).toFixed(1)}" y="${(y - 13).toFixed(1)}" width="${width.toFixed(1)}" height="26" rx="5" fill="${surface}" stroke="${kindColour(element, String(node.data("kind")))}" stroke-width="1.5"/><text x="${x.toFixed(1)}" y="${(y + 4).toFixed(1)}">${safe(String(node.data("label")))}</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box.x1 - 20} ${box.y1 - 20} ${box.w + 40} ${box.h + 40}">` +
    `<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="${line}"/></marker></defs>` +
    `<g stroke="${line}" stroke-width="1.2">${edges.join("")}</g><g fill="${text}" font-family="${safe(family)}" font-size="11" text-anchor="middle">${nodes.join("")}</g></svg>`;
}

export function mount(element: HTMLElement): () => void {
  const part = <T extends HTMLElement>(name: string): T | null => element.querySelector<T>(`[data-explorer="${name}"]`);
  const detail = part("detail");
  const notice = part("notice");
  const canvas = document.createElement("div");
  canvas.className = "cb-graph-canvas";
  canvas.setAttribute("aria-hidden", "true");
  element.append(canvas);
  let graph: Core | null = null;
  let thread: Worker | null = null;
  let large = false;
  let ended = false;
  const repaint = new MutationObserver(() => graph?.style(style(element, large)));

  function choose(node: NodeSingular | null): void {
    if (!graph || !detail) return;
    graph.elements().removeClass("away near chosen");
    detail.hidden = !node;
    if (!node) return;
    const near = node.closedNeighborhood();
    graph.elements().not(near).addClass("away");
    near.edges().addClass("near");
    node.addClass("chosen");
    const address = element.dataset.address ?? "";
    const here = new URLSearchParams(location.search);
    const asked = (changes: Record<string, string>): string => {
      const next = new URLSearchParams([...here].filter(([key]) => !["to", "fold", "page"].includes(key)));
      for (const [key, value] of Object.entries(changes)) next.set(key, value);
      return `${address}?${next}`;
    };
    const fill = (name: string, content: string, href = ""): void => {
      const found = detail.querySelector<HTMLElement>(`[data-detail="${name}"]`);
      if (!found) return;
      if (content) found.textContent = content;
      if (found instanceof HTMLAnchorElement) found.href = href;
    };
    fill("title", String(node.data("title")));
    fill("kind", `${node.data("kind")} · ${node.id()}`);
    fill("open", "", String(node.data("url")));
    fill("centre", "", asked({ root: node.id() }));
    fill("way", "", asked({ to: node.id() }));
  }

  function find(text: string): void {
    if (!graph) return;
    graph.nodes().removeClass("hit");
    const wanted = text.trim().toLowerCase();
    if (!wanted) return;
    const hits = graph.nodes().filter((node) => `${node.data("title")} ${node.id()}`.toLowerCase().includes(wanted));
    hits.addClass("hit");
    if (hits.length) graph.animate({ fit: { eles: hits, padding: 120 }, duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200 });
  }

  async function draw(): Promise<void> {
    const answer = await fetch(element.dataset.url ?? "", { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`the graph could not be loaded: ${answer.status}`);
    const data = (await answer.json()) as Graph;
    const nodes = data.nodes.map((node) => ({ ...node, label: label(node), width: Math.max(40, label(node).length * LETTER + 18) }));
    large = nodes.length > LARGE;
    const asked = element.dataset.layout;
    const layout = asked === "layered" || asked === "force" ? asked : nodes.length > LAYERED ? "force" : "layered";
    thread = await worker();
    const seats = await places(thread, {
      nodes: nodes.map(({ id, width }) => ({ id, width, height: 26 })),
      edges: data.edges.map((edge) => [edge.from, edge.to]),
      layout,
    });
    thread.terminate();
    if (ended) return;
    graph = cytoscape({
      container: canvas,
      elements: [
        ...nodes.map((node) => ({ data: node, position: { x: seats[node.id]?.[0] ?? 0, y: seats[node.id]?.[1] ?? 0 }, classes: `${node.focus ? "focus" : ""} ${node.missing ? "missing" : ""}` })),
        ...data.edges.map((edge) => ({ data: { source: edge.from, target: edge.to, label: edge.count > 1 ? `${edge.label} × ${edge.count}` : edge.label, width: Math.min(5, 1 + Math.log2(edge.count)) }, classes: data.edges.length <= TOLD ? "told" : "" })),
      ],
      style: style(element, large),
      layout: { name: "preset", fit: true, padding: 40 },
      minZoom: 0.02,
      maxZoom: nodes.length < 12 ? 1.2 : 3,
      // Wheels scroll the page unless somebody zooms on purpose.
      userZoomingEnabled: false,
      hideEdgesOnViewport: large,
      textureOnViewport: large,
      autoungrabify: large,
    });
    graph.on("tap", "node", (event) => choose(event.target as NodeSingular));
    graph.on("tap", (event) => event.target === graph && choose(null));
    if (notice) notice.textContent = data.notice;
    repaint.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }

  const click = (event: Event): void => {
    const what = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-graph]")?.dataset.graph : "";
    if (!what || !graph) return;
    const middle = { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 };
    if (what === "fit") graph.fit(undefined, 40);
    else if (what === "svg") save("relations.svg", new Blob([svg(graph, element)], { type: "image/svg+xml" }));
    else if (what === "png") save("relations.png", graph.png({ output: "blob", full: true, maxWidth: 6000, maxHeight: 6000, bg: paint(element).surface }));
    else graph.zoom({ level: graph.zoom() * (what === "in" ? 1.3 : 0.77), renderedPosition: middle });
  };
  const wheel = (event: WheelEvent): void => {
    if (!graph || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    graph.zoom({ level: graph.zoom() * (event.deltaY < 0 ? 1.15 : 0.87), renderedPosition: { x: event.clientX - box.left, y: event.clientY - box.top } });
  };
  const type = (event: Event): void => find((event.target as HTMLInputElement).value);
  const enter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    choose(graph?.nodes(".hit").first().nonempty() ? graph.nodes(".hit").first() : null);
  };
  element.addEventListener("click", click);
  canvas.addEventListener("wheel", wheel, { passive: false });
  part("find")?.addEventListener("input", type);
  part("find")?.addEventListener("keydown", enter);
  void draw().catch((error: unknown) => {
    console.error(error);
    element.classList.add("is-failed");
  });
  return () => {
    ended = true;
    thread?.terminate();
    repaint.disconnect();
    element.removeEventListener("click", click);
    graph?.destroy();
  };
}

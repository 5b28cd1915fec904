// The graph of entities and their relations, drawn in layers.
//
// Data: JSON in `<script type="application/json">` inside the element, or at the address in `data-url`:
// {nodes: [{id, title, subtitle?, url?, kind?, focus?}], edges: [{from, to, label?}]}.
// `data-direction` is LR (default) or TB. The element's own content stays as the text for screen readers.
import cytoscape, { type Core, type ElementDefinition } from "cytoscape";
import dagre from "cytoscape-dagre";
import { inert, kindColour, paint } from "../drawing";

cytoscape.use(dagre);
inert();

interface Node {
  id: string;
  title: string;
  subtitle?: string;
  url?: string;
  kind?: string;
  focus?: boolean;
}

interface Edge {
  from: string;
  to: string;
  label?: string;
}

interface Graph {
  nodes: Node[];
  edges: Edge[];
}

async function read(element: HTMLElement): Promise<Graph> {
  const inline = element.querySelector('script[type="application/json"]')?.textContent;
  if (inline) return JSON.parse(inline) as Graph;
  const answer = await fetch(element.dataset.url ?? "", { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`the graph could not be loaded: ${answer.status}`);
  return (await answer.json()) as Graph;
}

function elements(graph: Graph): ElementDefinition[] {
  const known = new Set(graph.nodes.map((node) => node.id));
  return [
    ...graph.nodes.map((node) => ({
      data: { ...node, label: node.subtitle ? `${node.title}\n${node.subtitle}` : node.title },
      classes: `${node.focus ? "focus" : ""} ${node.url ? "link" : ""}`,
    })),
    ...graph.edges
      .filter((edge) => known.has(edge.from) && known.has(edge.to))
      .map((edge) => ({ data: { source: edge.from, target: edge.to, label: edge.label ?? "" } })),
  ];
}

function style(element: HTMLElement): cytoscape.StylesheetJson {
  const { text, muted, surface, line, primary, family } = paint(element);
  return [
    {
      selector: "node",
      style: {
        shape: "round-rectangle",
        width: "label",
        height: "label",
        padding: "10px",
        "background-color": surface,
        "border-width": 1.5,
        "border-color": (node: cytoscape.NodeSingular) =>
          kindColour(element, String(node.data("kind") ?? "")),
        label: "data(label)",
        color: text,
        "font-size": 12,
        "font-family": family,
        "text-valign": "center",
        "text-halign": "center",
        "text-wrap": "wrap",
        "text-max-width": "180px",
      },
    },
    { selector: "node.focus", style: { "border-width": 3, "border-color": primary, "font-weight": "bold" } },
    { selector: "node:active, node:selected", style: { "overlay-opacity": 0.08 } },
    {
      selector: "edge",
      style: {
        width: 1.25,
        "line-color": line,
        "target-arrow-color": line,
        "target-arrow-shape": "triangle",
        "arrow-scale": 0.8,
        "curve-style": "bezier",
        label: "data(label)",
        color: muted,
        "font-size": 10,
        "font-family": family,
        "text-background-color": surface,
        "text-background-opacity": 0.9,
        "text-background-padding": "2px",
        "text-rotation": "autorotate",
      },
    },
  ] as unknown as cytoscape.StylesheetJson;
}

export function mount(element: HTMLElement): () => void {
  const canvas = document.createElement("div");
  canvas.className = "cb-graph-canvas";
  canvas.setAttribute("aria-hidden", "true");
  let graph: Core | null = null;
  let ended = false;
  const repaint = new MutationObserver(() => graph?.style(style(element)));
  void read(element)
    .then((data) => {
      if (ended) return;
      element.append(canvas);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      graph = cytoscape({
        container: canvas,
        elements: elements(data),
        style: style(element),
        layout: {
          name: "dagre",
          rankDir: element.dataset.direction ?? "LR",
          nodeSep: 24,
          rankSep: 70,
          fit: true,
          padding: 24,
          animate: !calm && data.nodes.length < 60,
          animationDuration: 180,
        } as cytoscape.LayoutOptions,
        minZoom: 0.15,
        maxZoom: 1.1,
        // Wheels scroll the page unless somebody zooms on purpose.
        userZoomingEnabled: false,
        autoungrabify: data.nodes.length > 200,
      });
      // A graph of few nodes is not blown up to fill the card; later on people may zoom as they like.
      graph.one("layoutstop", () => graph?.maxZoom(2.5));
      canvas.addEventListener("wheel", (event) => {
        if (!graph || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        const box = canvas.getBoundingClientRect();
        const at = { x: event.clientX - box.left, y: event.clientY - box.top };
        graph.zoom({ level: graph.zoom() * (event.deltaY < 0 ? 1.1 : 0.9), renderedPosition: at });
      }, { passive: false });
      graph.on("tap", "node.link", (event) => {
        const link = document.createElement("a");
        link.href = String(event.target.data("url"));
        element.append(link);
        window.htmx.process(link);
        link.click();
        link.remove();
      });
      graph.on("mouseover", "node.link", () => canvas.classList.add("is-link"));
      graph.on("mouseout", "node.link", () => canvas.classList.remove("is-link"));
      repaint.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    })
    .catch((error: unknown) => {
      console.error(error);
      element.classList.add("is-failed");
    });
  const zoom = (event: Event): void => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-graph]") : null;
    if (!button || !graph) return;
    if (button.dataset.graph === "fit") graph.fit(undefined, 24);
    else graph.zoom({ level: graph.zoom() * (button.dataset.graph === "in" ? 1.25 : 0.8), renderedPosition: { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 } });
  };
  element.addEventListener("click", zoom);
  return () => {
    ended = true;
    repaint.disconnect();
    element.removeEventListener("click", zoom);
    graph?.destroy();
  };
}

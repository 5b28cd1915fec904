// Places the nodes of a graph, in a worker, so that the page stays alive while two thousand of them find their seats.
//
// Message in: {nodes: [{id, width, height}], edges: [[from, to]], layout: "layered" | "force"}.
// Message out: {places: {id: [x, y]}}.
import { graphlib, layout as layers } from "dagre";
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from "d3-force";

export interface Seat {
  id: string;
  width: number;
  height: number;
}

export interface Plan {
  nodes: Seat[];
  edges: [string, string][];
  layout: "layered" | "force";
}

type Places = Record<string, [number, number]>;

function layered({ nodes, edges }: Plan): Places {
  const graph = new graphlib.Graph({ multigraph: false });
  // The thorough ranker takes minutes where the plain one takes a second.
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 90, ranker: nodes.length > 150 ? "longest-path" : "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: node.width, height: node.height });
  for (const [from, to] of edges) if (from !== to) graph.setEdge(from, to);
  layers(graph);
  return Object.fromEntries(nodes.map((node) => [node.id, [graph.node(node.id).x, graph.node(node.id).y]]));
}

function forced({ nodes, edges }: Plan): Places {
  const seats = nodes.map((node, index) => ({ ...node, x: Math.cos(index) * 12 * Math.sqrt(index), y: Math.sin(index) * 12 * Math.sqrt(index) }));
  const links = edges.map(([source, target]) => ({ source, target }));
  const simulation = forceSimulation(seats)
    .force("link", forceLink<(typeof seats)[number], (typeof links)[number]>(links).id((seat) => seat.id).distance(90).strength(0.35))
    .force("charge", forceManyBody().strength(-260).distanceMax(900))
    .force("collide", forceCollide<(typeof seats)[number]>((seat) => seat.width / 2 + 6).iterations(1))
    .force("x", forceX(0).strength(0.03))
    .force("y", forceY(0).strength(0.06))
    .stop();
  const ticks = nodes.length > 600 ? 160 : 300;
  for (let tick = 0; tick < ticks; tick++) simulation.tick();
  return Object.fromEntries(seats.map((seat) => [seat.id, [seat.x, seat.y]]));
}

onmessage = (event: MessageEvent<Plan>): void => {
  postMessage({ places: event.data.layout === "layered" ? layered(event.data) : forced(event.data) });
};

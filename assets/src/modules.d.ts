declare module "cytoscape-dagre";
declare module "dagre";

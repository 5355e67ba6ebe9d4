import "@xyflow/react/dist/style.css";
import { ReactFlow, useEdgesState, useNodesState, type Edge, type Node } from "@xyflow/react";
import { createRoot } from "react-dom/client";

/** React Flow as it comes, with the boxes and edges that the address holds: what our canvas is measured against. */

interface Given {
  nodes: { id: string; position: { x: number; y: number } }[];
  edges: { id: string; source: string; target: string }[];
  viewport: { x: number; y: number; zoom: number };
}

function Plain({ given }: { given: Given }) {
  const [nodes, , onNodes] = useNodesState<Node>(given.nodes.map((node) => ({ ...node, data: { label: node.id } })));
  const [edges, , onEdges] = useEdgesState<Edge>(given.edges);
  return <ReactFlow nodes={nodes} edges={edges} onNodesChange={onNodes} onEdgesChange={onEdges} defaultViewport={given.viewport} minZoom={0.05} onlyRenderVisibleElements />;
}

void fetch("given.json")
  .then((answer) => answer.json() as Promise<Given>)
  .then((given) => createRoot(document.getElementById("root")!).render(<Plain given={given} />));

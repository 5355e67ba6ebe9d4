import type { ComponentType } from "react";
import type { Counts, Text, Types } from "./api";
import { RunsPanel } from "./runs/RunsPanel";
import { Try } from "./trying/Try";
import type { Campaign } from "./useCampaign";
import { VersionsPanel } from "./versions/VersionsPanel";

/** What can stand beside the canvas, next to the form of what is selected. One line in PANELS makes a new one. */

/** How a box or an edge is drawn while a panel speaks of it. */
export type Mark = "added" | "removed" | "changed" | "walked" | "stopped";

/** What a panel draws on the canvas; it is gone when the panel is closed. */
export interface Overlay {
  /** Instead of the live numbers. */
  counts?: Record<string, Counts>;
  /** By node. */
  nodes?: Record<string, Mark>;
  /** By `node|way out`. */
  ways?: Record<string, Mark>;
}

export interface PanelProps {
  name: string;
  campaign: Campaign;
  types: Types;
  /** What a node is called in the reader's language. */
  titleOf: (node: string) => string;
  /** Show and select this node. */
  reveal: (node: string) => void;
  /** Null: the plain canvas. The same object again changes nothing. */
  onOverlay: (overlay: Overlay | null) => void;
}

export interface PanelKind {
  id: string;
  title: Text;
  View: ComponentType<PanelProps>;
}

export const PANELS: readonly PanelKind[] = [
  { id: "try", title: { en: "Try it", zh: "试运行" }, View: Try },
  { id: "versions", title: { en: "Versions", zh: "版本" }, View: VersionsPanel },
  { id: "runs", title: { en: "Let leads in", zh: "让线索进入" }, View: RunsPanel },
];

import type { ComponentType, ReactNode } from "react";
import type { Text, Types } from "./api";
import { DeskPage } from "./desk/DeskPage";

/** Pages beside the list and the canvas. One line in PAGES makes a new one; `nurture/web/canvas.py` serves its address. */

export interface PageProps {
  /** Language and theme. */
  controls: ReactNode;
  types: Types;
  /** What the page's address names behind its path; "" for none. */
  name: string;
  /** Go to an address of ours without loading the page anew. */
  go: (path: string) => void;
}

export interface PageKind {
  /** `/desk`; with a name behind it, `/report/NAME`. */
  path: string;
  named: boolean;
  title: Text;
  View: ComponentType<PageProps>;
}

export const PAGES: readonly PageKind[] = [
  { path: "/desk", named: false, title: { en: "Desk", zh: "工作台" }, View: DeskPage },
];

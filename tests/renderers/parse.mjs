// Reads flowcharts the way Mermaid does: a JSON list of texts on standard input, and on standard output for each what Mermaid
// understood, or why it refused.
import { JSDOM } from "jsdom";
import { text } from "node:stream/consumers";

const page = new JSDOM("<!doctype html><body></body>");
globalThis.window = page.window;
globalThis.document = page.window.document;
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false, maxEdges: 100000, maxTextSize: 100000000 });

// Mermaid keeps entities in a form of its own until it draws.
const shown = (label) =>
  (label ?? "")
    .replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/ﬂ°(\w+)¶ß/g, "&$1;");

const answers = [];
for (const chart of JSON.parse(await text(process.stdin))) {
  try {
    await mermaid.parse(chart);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(chart);
    answers.push({
      nodes: [...db.getVertices().values()].map((node) => [node.id, shown(node.text)]),
      edges: db.getEdges().map((edge) => [edge.start, edge.end, shown(edge.text), edge.stroke]),
      groups: db.getSubGraphs().map((group) => [shown(group.title), group.nodes]),
    });
  } catch (refused) {
    answers.push({ refused: String(refused.message ?? refused) });
  }
}
process.stdout.write(JSON.stringify(answers), () => process.exit(0));

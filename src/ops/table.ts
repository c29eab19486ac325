/** The table of covered operators, as docs/ops.md has it: written from the registry, so that it cannot lie. */
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import type { OpDefinition } from "./definition.js";
import { NCHWC_DOMAIN } from "./nchwc.js";
import { allOps, familyOf } from "./registry.js";

/** Markdown of docs/ops.md. */
export function opTable(): string {
  const ops = allOps();
  const standard = ops.filter((d) => (d.domain ?? "") === "");
  const abstract = ops.filter((d) => d.domain === ABSTRACT_DOMAIN);
  const blocked = ops.filter((d) => d.domain === NCHWC_DOMAIN);
  const trainable = standard.filter((d) => typeof d.gradient === "function").length;
  return `# Operators

Written by \`npm run docs\` from the registry in src/ops; a test holds it to that.

A **teacher** may use every operator ONNX Runtime can run. A **student** that is an ONNX file needs a gradient rule for what
stands between its trained weights and its output: ${trainable} of the ${standard.length} operators below have one, and for the others the
derivative is zero everywhere (*zero*) or missing (*none*). \`limbeck inspect model.onnx\` says which a model uses. Every rule is
checked against finite differences in float64, every shape rule against ONNX Runtime's own inference.

## ONNX

| operator | gradient | limits | file |
|---|---|---|---|
${standard.map(row).join("\n")}

## limbeck's own

Gradient rules may emit these; they are lowered to plain ONNX before anything runs, and never leave in a model.

| operator | gradient | limits | file |
|---|---|---|---|
${abstract.map(row).join("\n")}

## ONNX Runtime's blocked layout

On processors that have it, convolutional training steps are rewritten into these (domain ${NCHWC_DOMAIN}); they never leave
in a model either.

| operator | gradient | limits | file |
|---|---|---|---|
${blocked.map(row).join("\n")}
`;
}

function row(d: OpDefinition): string {
  const gradient = d.gradient === "zero" ? "zero" : d.gradient ? "rule" : "none";
  return `| ${d.op} | ${gradient} | ${d.note ?? ""} | src/ops/${familyOf(d)}.ts |`;
}

/** Einsum: infers from the equation; each gradient is an Einsum again. */

import { maxOf } from "../../base/extremes.js";
import { readText, text } from "../graph/attributes.js";
import type { OpCall, StaticType, Value } from "../graph/builder.js";
import { quote } from "../../base/quote.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { expand, misfit, noGradient, required, reshape, typeOf } from "./support.js";

/** An equation with every ellipsis spelled out in letters of its own. */
interface Equation {
  /** One letter per dimension of each operand. */
  readonly operands: readonly string[];
  readonly output: string;
  readonly sizes: ReadonlyMap<string, number>;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function equationOf(call: OpCall): Equation {
  const equation = readText(call.attributes, "equation", "").replaceAll(" ", "");
  const [left = "", explicit] = equation.split("->");
  const terms = left.split(",");
  if (terms.length !== call.inputs.length)
    throw misfit(
      call,
      `the equation ${quote(equation)} has ${terms.length} operands and the node ${call.inputs.length}`,
    );
  const free = [...LETTERS].filter((letter) => !equation.includes(letter));
  const extra = terms.map((term, i) => required(call, i).shape.length - term.replace("...", "").length);
  const longest = maxOf(
    terms.map((term, i) => (term.includes("...") ? (extra[i] as number) : 0)),
    0,
  );
  const dots = free.slice(0, longest).join("");
  const operands = terms.map((term, i) => term.replace("...", dots.slice(longest - (extra[i] as number))));
  const sizes = sizesOf(call, equation, operands);
  if (explicit !== undefined) {
    const output = explicit.replace("...", dots);
    if ([...output].some((letter, i) => !sizes.has(letter) || output.indexOf(letter) !== i))
      throw misfit(
        call,
        `the output of the equation ${quote(equation)} repeats a letter, or has one that no operand has`,
      );
    return { operands, output, sizes };
  }
  // Without an arrow: what occurs once, in alphabetical order, behind the ellipsis.
  const all = terms.join("");
  const once = [...all.replaceAll(".", "")].filter((letter) => all.split(letter).length === 2).sort();
  return { operands, output: dots + once.join(""), sizes };
}

function sizesOf(call: OpCall, equation: string, operands: readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>();
  operands.forEach((letters, i) => {
    const { shape } = required(call, i);
    if (letters.length !== shape.length || !/^[A-Za-z]*$/.test(letters))
      throw misfit(call, `operand ${i} does not fit the equation ${quote(equation)}`);
    shape.forEach((size, d) => {
      const letter = letters[d] as string;
      const before = sizes.get(letter) ?? size;
      if (before !== size)
        throw misfit(call, `the letter ${letter} in ${quote(equation)} has the sizes ${before} and ${size}`);
      sizes.set(letter, size);
    });
  });
  return sizes;
}

function inferEinsum(call: OpCall): StaticType[] {
  const { output, sizes } = equationOf(call);
  const { dtype } = required(call, 0);
  if (call.inputs.some((v) => v?.dtype !== dtype)) throw misfit(call, "the operands have different element types");
  const shape = [...output].map((letter) => sizes.get(letter) as number);
  return [typeOf(dtype, shape)];
}

/**
 * d/dA of A,B->Y is Y,B->A for the letters of A that Y or B have; over the others A was summed alone, so that the
 * gradient is the same all along them.
 */
function operandGradient(c: GradientContext, equation: Equation, k: number): Value {
  const { builder: b } = c;
  const { operands, output, sizes } = equation;
  const own = operands[k] as string;
  if (new Set(own).size < own.length) throw noGradient(c.call, `an operand with a repeated letter ("${own}")`);
  const g = c.gradients[0] as Value;
  const factors = operands.flatMap((letters, i) => (i === k ? [] : [{ letters, value: c.inputs[i] as Value }]));
  if (output !== "") factors.unshift({ letters: output, value: g });
  const present = [...own].filter((letter) => factors.some((f) => f.letters.includes(letter)));
  const spelled = `${factors.map((f) => f.letters).join(",")}->${present.join("")}`;
  const values = factors.map((f) => f.value);
  const product = factors.length > 0 ? b.op("Einsum", values, { equation: text(spelled) }) : g;
  const whole = output === "" && factors.length > 0 ? b.op("Mul", [product, g]) : product;
  const kept = [...own].map((letter) => (present.includes(letter) ? (sizes.get(letter) as number) : 1));
  return expand(b, reshape(b, whole, kept), (c.inputs[k] as Value).shape);
}

export const einsumOps: readonly OpDefinition[] = [
  {
    op: "Einsum",
    infer: inferEinsum,
    gradient: (c) => {
      const equation = equationOf(c.call);
      return c.inputs.map((_, k) => (c.wants(k) ? operandGradient(c, equation, k) : undefined));
    },
    note: "sizes under an ellipsis must agree; no gradient for an operand with a repeated letter",
  },
];

/** How well a student's outputs point where its teacher's do: the score of embeddings. */

/** Sum of the cosines of the rows [rows, width] of two arrays; a row of zeros has cosine 0, as in the loss. */
export function sumOfCosines(student: Float32Array, teacher: Float32Array, width: number): number {
  let sum = 0;
  for (let from = 0; from < student.length; from += width) {
    let [product, own, theirs] = [0, 0, 0];
    for (let i = from; i < from + width; i++) {
      const [s, t] = [student[i] as number, teacher[i] as number];
      product += s * t;
      own += s * s;
      theirs += t * t;
    }
    sum += own > 0 && theirs > 0 ? product / Math.sqrt(own * theirs) : 0;
  }
  return sum;
}

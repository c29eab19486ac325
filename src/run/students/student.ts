/** A trained student in Node: it can also be saved. */
import { writeFileAtomic } from "../../node/atomic.js";
import { TrainedStudent } from "./trained-student.js";

export { answers } from "./trained-student.js";

export class Student extends TrainedStudent {
  /** Writes the `.onnx` file; nothing half-written is ever left under this name. */
  async save(path: string): Promise<void> {
    await writeFileAtomic(path, this.bytes);
  }
}

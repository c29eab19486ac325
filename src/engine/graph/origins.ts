/** The protobuf message a model was read from: written back as it is while the model is untouched. */
import type { ModelProto } from "onnx-buf";
import type { Model } from "./types.js";

export const origins = new WeakMap<Model, ModelProto>();

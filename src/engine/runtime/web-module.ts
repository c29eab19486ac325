/** The module onnxruntime-web as declarations name it: without its own types, which are not there when it is not installed. */

/** The module `onnxruntime-web`, or one of its parts: `onnxruntime-web/wasm`, `onnxruntime-web/webgpu`. */
export interface WebModule {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<object> };
  /** Its class of that name. */
  readonly Tensor: object;
  readonly env: object;
}

"""The networks in Keras, with limbeck's weights."""

from keras_runner import build, converted


def model_with(keras, spec, parameters):
    if spec["model"]["kind"] == "resnet":
        return resnet(keras, spec, parameters)
    model = build(keras, spec)
    for variable, (name, values) in zip(model.trainable_variables, parameters, strict=True):
        variable.assign(converted(spec, name, values))
    return model


def resnet(keras, spec, parameters):
    """CIFAR ResNet, option B shortcuts, as torch_models.ResNet; padding is symmetric, as PyTorch pads."""
    layers = keras.layers
    depth, width = spec["model"]["depth"], spec["model"].get("width", 1)
    shape, classes = spec["inputShape"], spec["classes"]
    made = []

    def conv_norm(x, outputs, kernel, stride):
        if kernel > 1:
            x = layers.ZeroPadding2D((kernel - 1) // 2)(x)
        conv = layers.Conv2D(outputs, kernel, strides=stride, use_bias=False)
        norm = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)
        x = norm(conv(x))
        made.extend([conv.kernel, norm.gamma, norm.beta])
        return x

    def block(x, outputs, stride):
        y = layers.ReLU()(conv_norm(x, outputs, 3, stride))
        y = conv_norm(y, outputs, 3, 1)
        same = stride == 1 and x.shape[-1] == outputs
        return layers.ReLU()(layers.Add()([y, x if same else conv_norm(x, outputs, 1, stride)]))

    channels = [round(c * width) for c in (16, 32, 64)]
    inputs = keras.Input((shape[1], shape[2], shape[0]))
    x = layers.ReLU()(conv_norm(inputs, min(channels[0], 32), 3, 1))
    for stage, outputs in enumerate(channels):
        for i in range((depth - 2) // 6):
            x = block(x, outputs, 2 if stage > 0 and i == 0 else 1)
    dense = layers.Dense(classes)
    x = dense(layers.GlobalAveragePooling2D()(x))
    made.extend([dense.kernel, dense.bias])
    for variable, (name, values) in zip(made, parameters, strict=True):
        variable.assign(values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T)
    return keras.Model(inputs, x)

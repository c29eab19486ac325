"""The networks in PyTorch, modules declared in the order of limbeck's parameters."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def build(spec):
    model, shape, classes = spec["model"], spec["inputShape"], spec["classes"]
    return BUILDERS[model["kind"]](model, shape, classes)


def mlp(model, shape, classes):
    sizes = [shape[0]] + model["hidden"]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], classes))


class KerasTutorial(nn.Module):
    """keras.io/examples/vision/knowledge_distillation: "same" padding as TensorFlow pads, more at the end."""

    def __init__(self, first, second, shape, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(shape[0], first, 3, stride=2)
        self.conv2 = nn.Conv2d(first, second, 3, stride=2)
        size = -(-(-(-shape[1] // 2)) // 2)
        self.classifier = nn.Linear(second * size * size, classes)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(F.pad(x, same(x, 3, 2))), 0.2)
        x = F.max_pool2d(F.pad(x, same(x, 2, 1), value=float("-inf")), 2, 1)
        x = self.conv2(F.pad(x, same(x, 3, 2)))
        return self.classifier(torch.flatten(x, 1))


def same(x, kernel, stride):
    total = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in (x.shape[3], x.shape[2])]
    return [total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2]


def preset(model, shape, classes):
    first, second = {"keras-student": (16, 32), "keras-teacher": (256, 512)}[model["name"]]
    return KerasTutorial(first, second, shape, classes)


class ConvNorm(nn.Sequential):
    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False), nn.BatchNorm2d(outputs)
        )


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = ConvNorm(inputs, outputs, 3, stride)
        self.second = ConvNorm(outputs, outputs, 3, 1)
        same_shape = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same_shape else ConvNorm(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class ResNet(nn.Module):
    """CIFAR ResNet, option B shortcuts, in the form of RepDistiller."""

    def __init__(self, depth, width, shape, classes):
        super().__init__()
        channels = [round(c * width) for c in (16, 32, 64)]
        stem = min(channels[0], 32)
        self.stem = ConvNorm(shape[0], stem, 3, 1)
        blocks, inputs = [], stem
        for stage, outputs in enumerate(channels):
            for block in range((depth - 2) // 6):
                blocks.append(BasicBlock(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.blocks(F.relu(self.stem(x)))
        return self.classifier(x.mean((2, 3)))


def resnet(model, shape, classes):
    return ResNet(model["depth"], model.get("width", 1), shape, classes)


BUILDERS = {"mlp": mlp, "preset": preset, "resnet": resnet}

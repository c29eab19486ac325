"""The networks in PyTorch, modules declared in the order of limbeck's parameters (or they say the order)."""

import numpy as np
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


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        wide = inputs * expansion
        layers = [] if expansion == 1 else [conv_norm6(inputs, wide, 1)]
        layers += [
            conv_norm6(wide, wide, 3, stride, wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.layers = nn.Sequential(*layers)
        self.same = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.same else self.layers(x)


def conv_norm6(inputs, outputs, kernel, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


def rounded(channels):
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class MobileNetV2(nn.Module):
    """CIFAR form: torchvision's with the first two strides of 2 left out."""

    def __init__(self, width, shape, classes):
        super().__init__()
        assert shape[1:] == [32, 32], shape
        stages = [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        inputs = rounded(32 * width)
        layers = [conv_norm6(shape[0], inputs, 3)]
        for expansion, channels, blocks, stride in stages:
            outputs = rounded(channels * width)
            for block in range(blocks):
                layers.append(InvertedResidual(inputs, outputs, expansion, stride if block == 0 else 1))
                inputs = outputs
        last = rounded(1280 * max(1, width))
        self.features = nn.Sequential(*layers, conv_norm6(inputs, last, 1))
        self.classifier = nn.Linear(last, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.output(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class Layer(nn.Module):
    """Pre-norm, exact Gelu."""

    def __init__(self, dim, heads, ratio):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, dim * ratio), nn.GELU(), nn.Linear(dim * ratio, dim))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, patch, dim, depth, heads, shape, classes):
        super().__init__()
        self.patch = patch
        self.patches = nn.Linear(shape[0] * patch * patch, dim)
        count = (shape[1] // patch) * (shape[2] // patch)
        self.positions = nn.Parameter(torch.empty(count + 1, dim))
        self.token = nn.Parameter(torch.empty(1, dim))
        self.layers = nn.Sequential(*[Layer(dim, heads, 4) for _ in range(depth)])
        self.norm, self.classifier = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def named_order(self):
        """Parameters declared directly come first in PyTorch; limbeck has the patches before them."""
        ahead = list(self.patches.parameters()) + [self.positions, self.token]
        return ahead + [p for m in (self.layers, self.norm, self.classifier) for p in m.parameters()]

    def forward(self, x):
        batch, p = x.shape[0], self.patch
        weight = self.patches.weight.reshape(-1, x.shape[1], p, p)
        x = F.conv2d(x, weight, self.patches.bias, stride=p).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(batch, 1, -1), x], 1) + self.positions
        return self.classifier(self.norm(self.layers(x)[:, 0]))


class TextEncoder(nn.Module):
    def __init__(self, vocabulary, dim, depth, heads, shape, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.positions = nn.Parameter(torch.empty(shape[0], dim))
        self.layers = nn.Sequential(*[Layer(dim, heads, 4) for _ in range(depth)])
        self.norm, self.classifier = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def named_order(self):
        ahead = list(self.embedding.parameters()) + [self.positions]
        return ahead + [p for m in (self.layers, self.norm, self.classifier) for p in m.parameters()]

    def forward(self, ids):
        x = self.layers(self.embedding(ids) + self.positions)
        return self.classifier(self.norm(x).mean(1))


def parameters_of(model):
    """In limbeck's order."""
    return model.named_order() if hasattr(model, "named_order") else list(model.parameters())


def packed(parameters):
    """limbeck's three matrices of an attention as the one that PyTorch multiplies with."""
    result = []
    i = 0
    while i < len(parameters):
        if parameters[i][0].endswith("attention/query/weight"):
            name = parameters[i][0].replace("query", "qkv")
            result.append((name, np.concatenate([parameters[i + k][1] for k in (0, 2, 4)])))
            result.append((name.replace("weight", "bias"), np.concatenate([parameters[i + k][1] for k in (1, 3, 5)])))
            i += 6
        else:
            result.append(parameters[i])
            i += 1
    return result


def mobilenet(model, shape, classes):
    return MobileNetV2(model.get("width", 1), shape, classes)


def vit(model, shape, classes):
    return ViT(model["patch"], model["dim"], model["depth"], model["heads"], shape, classes)


def text_encoder(model, shape, classes):
    return TextEncoder(model["vocabulary"], model["dim"], model["depth"], model["heads"], shape, classes)


BUILDERS = {
    "mlp": mlp,
    "preset": preset,
    "resnet": resnet,
    "mobilenet": mobilenet,
    "vit": vit,
    "text-encoder": text_encoder,
}

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


def divisible(v, divisor=8):
    new = max(divisor, int(v + divisor / 2) // divisor * divisor)
    return new + divisor if new < 0.9 * v else new


def conv_norm(inputs, outputs, kernel, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class MobileNet(nn.Module):
    """MobileNetV2 with the first two strides of 2 taken out, as for 32x32 images."""

    SETTINGS = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]
    STRIDES = [1, 1, 2, 2, 1, 2, 1]

    def __init__(self, width, shape, classes):
        super().__init__()
        last = divisible(32 * width)
        self.stem = conv_norm(shape[0], last, 3)
        self.blocks = nn.ModuleList()
        self.residual = []
        for (expansion, channels, count), stride in zip(self.SETTINGS, self.STRIDES):
            for i in range(count):
                out, step, hidden = divisible(channels * width), stride if i == 0 else 1, last * expansion
                parts = [] if expansion == 1 else [conv_norm(last, hidden, 1), nn.ReLU6(inplace=True)]
                parts += [conv_norm(hidden, hidden, 3, step, hidden), nn.ReLU6(inplace=True), conv_norm(hidden, out, 1)]
                self.blocks.append(nn.Sequential(*parts))
                self.residual.append(step == 1 and last == out)
                last = out
        features = divisible(1280 * max(1.0, width))
        self.features = conv_norm(last, features, 1)
        self.classifier = nn.Linear(features, classes)

    def forward(self, x):
        x = F.relu6(self.stem(x))
        for block, residual in zip(self.blocks, self.residual):
            x = x + block(x) if residual else block(x)
        return self.classifier(F.relu6(self.features(x)).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        parts = [f(x).view(batch, tokens, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value)]
        mixed = F.scaled_dot_product_attention(*parts)
        return self.output(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class EncoderLayer(nn.Module):
    """Pre-norm, exact Gelu."""

    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2, self.hidden, self.output = nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.output(F.gelu(self.hidden(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self, model, shape, classes):
        super().__init__()
        self.patch, dim = model["patch"], model["dim"]
        self.patches = nn.Linear(shape[0] * self.patch**2, dim)
        tokens = (shape[1] // self.patch) * (shape[2] // self.patch) + 1
        self.positions = nn.Parameter(torch.zeros(tokens, dim))
        self.token = nn.Parameter(torch.zeros(1, dim))
        self.layers = nn.Sequential(*(EncoderLayer(dim, model["heads"]) for _ in range(model["depth"])))
        self.norm, self.classifier = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, x):
        batch, channels, height, width = x.shape
        p = self.patch
        x = x.reshape(batch, channels, height // p, p, width // p, p).permute(0, 2, 4, 1, 3, 5)
        x = self.patches(x.reshape(batch, -1, channels * p * p))
        x = torch.cat([self.token.expand(batch, 1, -1), x], 1) + self.positions
        return self.classifier(self.norm(self.layers(x))[:, 0])

    # An nn.Parameter of the module itself comes before its children in parameters(); limbeck has the patches first.
    def parameters(self, recurse=True):
        first = list(self.patches.parameters())
        rest = [p for p in super().parameters(recurse) if not any(p is q for q in first)]
        return iter(first + rest)


class TextEncoder(nn.Module):
    def __init__(self, model, shape, classes):
        super().__init__()
        dim = model["dim"]
        self.embedding = nn.Embedding(model["vocabulary"], dim)
        self.positions = nn.Parameter(torch.zeros(shape[0], dim))
        self.layers = nn.Sequential(*(EncoderLayer(dim, model["heads"]) for _ in range(model["depth"])))
        self.norm, self.classifier = nn.LayerNorm(dim), nn.Linear(dim, classes)

    def forward(self, ids):
        return self.classifier(self.norm(self.layers(self.embedding(ids.long()) + self.positions)).mean(1))

    def parameters(self, recurse=True):
        first = list(self.embedding.parameters())
        rest = [p for p in super().parameters(recurse) if not any(p is q for q in first)]
        return iter(first + rest)


BUILDERS = {
    "mlp": mlp,
    "preset": preset,
    "resnet": resnet,
    "mobilenet": lambda model, shape, classes: MobileNet(model.get("width", 1), shape, classes),
    "vit": Vit,
    "text-encoder": TextEncoder,
}

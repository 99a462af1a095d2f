"""Train RF-DETR-Seg-Nano from scratch on drawn traffic: how the demo model was made.

    python packaging/train.py OUT --seconds 535 --of 1075
    python packaging/train.py OUT2 --init OUT/ema_fp16.pt --warmup 60 --batch 64 --seed 1

The network is rfdetr's, unmodified. About 17 minutes on one H100; OUT/ema_fp16.pt is the result.
On CUDA, rfdetr's matcher uses `torch_linear_assignment` (package torch-hungarian) where it works,
else SciPy. README.md here says what it needs.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch

from train_data import Images, draw_images, make_targets
from train_evaluate import MEAN, STD, evaluate

TRAINING_SEED, SEEDS_PER_RUN, VALIDATION_SEED = 10_000, 1_000_000, 1
VALIDATION_IMAGES = 256
_SECONDS_FOR_THE_END = 25
_MAX_GRADIENT_NORM = 1.0
_LOG_NAMES = {
    "ce": "loss_ce",
    "l1": "loss_bbox",
    "giou": "loss_giou",
    "mce": "loss_mask_ce",
    "dice": "loss_mask_dice",
}

State = dict[str, torch.Tensor]


def main() -> None:
    """Draw the images, train until the time is over, evaluate and save."""
    started = time.time()
    arguments = parse_arguments()
    Path(arguments.out).mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(arguments.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    processes = max((os.cpu_count() or 1) - 1, 1)
    first_seed = TRAINING_SEED + arguments.seed * SEEDS_PER_RUN
    images = draw_images(first_seed, arguments.images, processes)
    validation_count = min(VALIDATION_IMAGES, arguments.images)
    validation = draw_images(VALIDATION_SEED, validation_count, processes)
    print("data", time.time() - started, flush=True)
    install_assignment_solver(device)
    trainer = Trainer(arguments, images.to(device), device)
    trainer.run(arguments.seconds - (time.time() - started) - _SECONDS_FOR_THE_END)
    trainer.save_checkpoint()
    trainer.use_average()
    figures = json.dumps(evaluate(trainer.network, validation, device))
    elapsed = round(time.time() - started, 1)
    print("eval", figures, "step", trainer.step, "t", elapsed, flush=True)
    trainer.save_average()


def parse_arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="folder for ckpt.pt and ema_fp16.pt")
    parser.add_argument("--seconds", type=float, default=520, help="time for all of it")
    parser.add_argument(
        "--of", type=float, default=520, help="length of the learning-rate schedule"
    )
    parser.add_argument("--done", type=float, default=0, help="seconds of it already done")
    parser.add_argument("--resume", help="ckpt.pt to go on from")
    parser.add_argument("--init", help="ema_fp16.pt to start from")
    parser.add_argument("--warmup", type=int, default=400, help="steps")
    parser.add_argument("--images", type=int, default=16000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--groups", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def install_assignment_solver(device: torch.device) -> None:
    """Keep the GPU solver that rfdetr's matcher imports if it works here, else give it SciPy's."""
    try:
        import torch_linear_assignment

        costs = torch.rand(8, 100, 7, device=device)
        assigned = int((torch_linear_assignment.batch_linear_assignment(costs) >= 0).sum())
        problem = "" if assigned == 8 * 7 else f"{assigned} of 56 assigned"
    except (ImportError, RuntimeError, OSError) as error:
        problem = repr(error)[:200]
    if not problem:
        print("solver: torch_linear_assignment")
        return
    module = types.ModuleType("torch_linear_assignment")
    module.batch_linear_assignment = _scipy_assignment
    sys.modules["torch_linear_assignment"] = module
    print("solver: scipy,", problem)


def _scipy_assignment(costs: torch.Tensor) -> torch.Tensor:
    from scipy.optimize import linear_sum_assignment

    assigned = torch.full(costs.shape[:2], -1, dtype=torch.long)
    for index, cost in enumerate(costs.cpu().numpy()):
        rows, columns = linear_sum_assignment(cost)
        assigned[index, rows] = torch.from_numpy(columns)
    return assigned.to(costs.device)


class Trainer:
    """The network, its optimizer and its moving average."""

    def __init__(self, arguments: argparse.Namespace, images: Images, device: torch.device) -> None:
        self._arguments, self._images, self._device = arguments, images, device
        self._out = Path(arguments.out)
        self.network, self._criterion = _build(arguments.groups, device)
        self._average = _float_copy(self.network.state_dict())
        self._optimizer = _make_optimizer(self.network, arguments.lr, device)
        self.step = 0
        if arguments.resume:
            saved = torch.load(arguments.resume, map_location=device, weights_only=True)
            self.network.load_state_dict(saved["net"])
            self._optimizer.load_state_dict(saved["opt"])
            self._average, self.step = saved["ema"], saved["step"]
        if arguments.init:
            self._load(torch.load(arguments.init, map_location=device, weights_only=True))
            self._average = _float_copy(self.network.state_dict())

    def run(self, seconds: float) -> None:
        """Take steps until the time is over or the loss is no number."""
        started = last_print = time.time()
        while (elapsed := time.time() - started) < seconds:
            learning_rate = self._learning_rate(elapsed)
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate
            losses, loss, gradient_norm = self._take_step()
            if self.step % 100 == 0 or self.step < 4:
                now = time.time()
                line = {
                    "step": self.step,
                    "ips": round(self._arguments.batch * 100 / max(now - last_print, 1e-6)),
                    "t": round(now - started, 1),
                    "lr": round(learning_rate, 6),
                    "loss": round(loss, 3),
                    "gn": round(gradient_norm, 2),
                }
                parts = {key: round(float(losses[name]), 4) for key, name in _LOG_NAMES.items()}
                print(json.dumps(line | parts), flush=True)
                last_print = now
            if not np.isfinite(loss):
                print("non-finite")
                break

    def save_checkpoint(self) -> None:
        """Write what --resume needs."""
        checkpoint = {
            "net": self.network.state_dict(),
            "ema": self._average,
            "opt": self._optimizer.state_dict(),
            "step": self.step,
        }
        torch.save(checkpoint, self._out / "ckpt.pt")

    def use_average(self) -> None:
        """Put the averaged weights into the network."""
        self._load(self._average)

    def save_average(self) -> None:
        """Write the averaged weights as fp16."""
        half = {k: v.half() if v.is_floating_point() else v for k, v in self._average.items()}
        torch.save(half, self._out / "ema_fp16.pt")

    def _learning_rate(self, elapsed: float) -> float:
        """Return a linear warm-up times a cosine that ends at 2 %."""
        arguments = self._arguments
        done = min((arguments.done + elapsed) / max(arguments.of - 50, 1), 1)
        warmup = min(1, (self.step + 1) / arguments.warmup)
        return arguments.lr * warmup * (0.5 * (1 + np.cos(np.pi * done)) * 0.98 + 0.02)

    def _take_step(self) -> tuple[State, float, float]:
        network_input, ids, classes = self._random_batch()
        targets = make_targets(ids, classes)
        with torch.autocast(self._device.type, torch.bfloat16):
            outputs = self.network(network_input, targets)
        losses = self._criterion(_to_float(outputs), targets)
        weights = self._criterion.weight_dict
        loss = sum(losses[name] * weights[name] for name in losses if name in weights)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT_NORM)
        self._optimizer.step()
        self.step += 1
        self._update_average()
        return losses, float(loss), float(norm)

    def _random_batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return random images, flipped, turned and relit, with their ids and classes."""
        count, device = self._arguments.batch, self._device
        index = torch.randint(len(self._images.pixels), (count,), device=device)
        pixels, ids, classes = (tensor[index] for tensor in self._images)
        pixels = pixels.float()
        if torch.rand(()) < 0.5:
            pixels, ids = pixels.flip(3), ids.flip(2)
        if torch.rand(()) < 0.5:
            pixels, ids = pixels.flip(2), ids.flip(1)
        if torch.rand(()) < 0.3:
            pixels, ids = pixels.transpose(2, 3).contiguous(), ids.transpose(1, 2).contiguous()
        gain = 1 + 0.25 * (torch.rand(count, 3, 1, 1, device=device) - 0.5)
        shift = 20 * (torch.rand(count, 1, 1, 1, device=device) - 0.5)
        pixels = (pixels * gain + shift).clamp(0, 255)
        return (pixels / 255 - MEAN.to(device)) / STD.to(device), ids, classes

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(0.998, (1 + self.step) / (10 + self.step))
        state = self.network.state_dict()
        names = [name for name, value in self._average.items() if value.is_floating_point()]
        averages, values = [self._average[n] for n in names], [state[n].float() for n in names]
        torch._foreach_lerp_(averages, values, 1 - decay)

    def _load(self, state: State) -> None:
        own = self.network.state_dict()
        self.network.load_state_dict({k: v.to(own[k].dtype) for k, v in state.items()})


def _build(groups: int, device: torch.device) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Return rfdetr's network and criterion, both in training mode."""
    from rfdetr import RFDETRSegNano
    from rfdetr.config import SegmentationTrainConfig
    from rfdetr.models.lwdetr import build_criterion_from_config

    with contextlib.redirect_stdout(io.StringIO()):
        wrapper = RFDETRSegNano(pretrain_weights=None, device="cpu", group_detr=groups)
    settings = SegmentationTrainConfig(dataset_dir=".", output_dir=".")
    criterion, _ = build_criterion_from_config(wrapper.model_config, settings)
    return wrapper.model.model.to(device).train(), criterion.to(device).train()


def _make_optimizer(
    network: torch.nn.Module, learning_rate: float, device: torch.device
) -> torch.optim.Optimizer:
    """Return AdamW that decays matrices only, embeddings excepted."""
    decayed, other = [], []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            (decayed if parameter.ndim > 1 and "embed" not in name else other).append(parameter)
    groups = [{"params": decayed, "weight_decay": 1e-2}, {"params": other, "weight_decay": 0.0}]
    fused = device.type == "cuda"
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.99), fused=fused)


def _float_copy(state: State) -> State:
    return {
        name: value.detach().clone().float() if value.is_floating_point() else value.clone()
        for name, value in state.items()
    }


def _to_float(value: Any) -> Any:  # noqa: ANN401  (outputs are nested dicts and lists)
    if torch.is_tensor(value) and value.is_floating_point():
        return value.float()
    if isinstance(value, dict):
        return {key: _to_float(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_to_float(part) for part in value]
    return value


if __name__ == "__main__":
    main()

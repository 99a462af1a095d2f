"""What each action does: the one place where ids of the table meet functions."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMessageBox

from rfviewer.config import ColorBy, View
from rfviewer.gui.action_table import TOGGLE_KEYS
from rfviewer.gui.actions import ActionRegistry
from rfviewer.gui.command_palette import CommandPalette
from rfviewer.gui.layout import WindowLayout
from rfviewer.gui.live import LiveView
from rfviewer.gui.model import SessionModel
from rfviewer.gui.outputs import Outputs
from rfviewer.gui.services import WindowServices
from rfviewer.gui.shortcut_sheet import ShortcutSheet
from rfviewer.gui.side_panel import SidePanel
from rfviewer.gui.source_menu import SourceMenu
from rfviewer.gui.text import tooltip
from rfviewer.gui.transport import TransportBar
from rfviewer.gui.video_area import VideoArea
from rfviewer.optimizations import Optimizations, toggle_of

THRESHOLD_STEP = 0.05
ZOOM_STEP = 1.25


class Commands(QObject):
    """Connects the registry to the parts of the window."""

    def __init__(
        self,
        window: QMainWindow,
        *,
        actions: ActionRegistry,
        model: SessionModel,
        services: WindowServices,
        sources: SourceMenu,
        outputs: Outputs,
        transport: TransportBar,
        video: VideoArea,
        panel: SidePanel,
        layout: WindowLayout,
        live: LiveView,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._model = model
        self._services = services
        self._layout = layout
        self._video, self._live = video, live
        view = video.view
        actions.connect_all(
            {
                "open_file": sources.open_file,
                "open_folder": sources.open_folder,
                "open_address": sources.open_address,
                "open_camera": sources.open_camera,
                "open_clip": sources.open_clip,
                "record": outputs.toggle_recording,
                "export_video": outputs.export_video,
                "shot_annotated": lambda: outputs.screenshot("annotated"),
                "shot_raw": lambda: outputs.screenshot("raw"),
                "shot_window": outputs.screenshot_window,
                "copy_command": outputs.copy_command,
                "quit": window.close,
                "play": model.play_pause,
                "step_forward": lambda: model.step(1),
                "step_back": lambda: model.step(-1),
                "seek_start": lambda: model.seek(0.0),
                "faster": lambda: transport.change_speed(1),
                "slower": lambda: transport.change_speed(-1),
                "normal_speed": lambda: model.update_playback(rate=1.0),
                "loop": lambda: model.update_playback(loop=not model.playback.loop),
                "policy": transport.flip_policy,
                "color_by": self._flip_color_by,
                "threshold_down": lambda: self._move_threshold(-THRESHOLD_STEP),
                "threshold_up": lambda: self._move_threshold(THRESHOLD_STEP),
                "zoom_fit": lambda: view.set_zoom(None),
                "zoom_1": lambda: view.set_zoom(1.0),
                "zoom_in": lambda: view.zoom_by(ZOOM_STEP),
                "zoom_out": lambda: view.zoom_by(1 / ZOOM_STEP),
                "stats": live.show_stats_briefly,
                "stats_pin": lambda: live.pin_stats(pinned=actions["stats_pin"].isChecked()),
                "panel": lambda: layout.set_panel_visible(visible=actions["panel"].isChecked()),
                "plots": lambda: layout.set_plots_visible(visible=actions["plots"].isChecked()),
                "tall_page": lambda: layout.set_tall(tall=not layout.tall),
                "fullscreen": self._flip_fullscreen,
                "leave_fullscreen": lambda: self._set_fullscreen(fullscreen=False),
                "reset_layout": self._reset_layout,
                "baseline": lambda: self._set_marked(model.flip_baseline),
                "all_on": lambda: self._set_marked(
                    lambda: model.set_optimizations(Optimizations())
                ),
                "reset_counters": live.clear_plots,
                "keys": self._show_keys,
                "palette": self._show_palette,
                "log_folder": self._open_log_folder,
                "about": self._show_about,
            }
        )
        for seconds, name in ((5, ""), (1, "_1"), (60, "_60")):
            for sign, direction in ((1, "forward"), (-1, "back")):
                actions[f"seek_{direction}{name}"].triggered.connect(
                    lambda _checked=False, by=sign * seconds: model.seek_by(by)
                )
        for field in ("masks", "outlines", "boxes", "labels"):
            actions[field].triggered.connect(
                lambda checked, name=field: model.update_view(**{name: checked})
            )
        for digit in range(1, TOGGLE_KEYS + 1):
            actions[f"toggle_{digit}"].triggered.connect(
                lambda _checked=False, row=digit: panel.rack.flip(row)
            )
        self._rack = panel.rack
        panel.rack.order_changed.connect(self._on_rack_order)
        self._on_rack_order()
        panel.engine.model_file_wanted.connect(self._open_model_file)
        live.model_file_wanted.connect(self._open_model_file)
        view.double_clicked.connect(self._flip_fullscreen)
        model.view_changed.connect(self._on_view)
        self._on_view(model.view)
        actions["log_folder"].setEnabled(services.log_dir is not None)
        actions["open_clip"].setEnabled(bool(services.demo_clips))
        layout.parts_changed.connect(self._on_parts)
        model.optimizations_changed.connect(lambda _: self._mark_optimizations())
        self._on_parts()
        self._mark_optimizations()

    def _set_marked(self, change: Callable[[], object]) -> None:
        # Qt has turned the mark over already, also where nothing changes.
        change()
        self._mark_optimizations()

    def _on_view(self, view: View) -> None:
        for field in ("masks", "outlines", "boxes", "labels"):
            self._actions.set_checked(field, checked=getattr(view, field))

    def _on_rack_order(self) -> None:
        order = self._rack.order
        for digit in range(1, TOGGLE_KEYS + 1):
            action = self._actions[f"toggle_{digit}"]
            action.setVisible(digit <= len(order))
            if digit <= len(order):
                action.setText(toggle_of(order[digit - 1]).label)
        self._mark_optimizations()

    def _mark_optimizations(self) -> None:
        """Set the marks of the Optimise menu to what is requested."""
        wanted = self._model.optimizations
        for digit, name in enumerate(self._rack.order[:TOGGLE_KEYS], start=1):
            value, action = getattr(wanted, name), self._actions[f"toggle_{digit}"]
            if isinstance(value, bool):
                action.setCheckable(True)
                action.setChecked(value)
            else:
                action.setCheckable(False)
                action.setText(f"{toggle_of(name).label}: {value}")
        self._actions.set_checked("baseline", checked=wanted == Optimizations.baseline())
        self._actions.set_checked("all_on", checked=wanted == Optimizations())

    def _on_parts(self) -> None:
        for name, shown in self._layout.parts_shown().items():
            self._actions.set_checked(name, checked=shown)
        self._actions.set_checked("tall_page", checked=self._layout.tall)

    def _flip_color_by(self) -> None:
        other = {ColorBy.CLASS: ColorBy.INSTANCE, ColorBy.INSTANCE: ColorBy.CLASS}
        self._model.update_view(color_by=other[self._model.view.color_by])

    def _move_threshold(self, by: float) -> None:
        value = round(self._model.view.threshold + by, 2)
        self._model.update_view(threshold=min(1.0, max(0.0, value)))

    def _flip_fullscreen(self) -> None:
        self._set_fullscreen(fullscreen=not self._layout.is_fullscreen)

    def _set_fullscreen(self, *, fullscreen: bool) -> None:
        self._layout.set_fullscreen(fullscreen=fullscreen)
        self._actions.set_checked("fullscreen", checked=fullscreen)
        self._video.take_focus()

    def _reset_layout(self) -> None:
        self._layout.reset()
        self._actions.set_checked("fullscreen", checked=False)

    def _show_keys(self) -> None:
        ShortcutSheet(self._actions, self._window).open()

    def _show_palette(self) -> None:
        CommandPalette(self._actions, self._window).open()

    def _open_model_file(self) -> None:
        dialog = QFileDialog(self._window, "Open model", "", "Models (*.onnx *.pth);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._model.update_engine(model=path))
        dialog.open()

    def _open_log_folder(self) -> None:
        folder = self._services.log_dir
        if folder is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._live.show_notice(
                "warning", f"No program is set up to open folders; the logs are in {folder}."
            )

    def _show_about(self) -> None:
        box = QMessageBox(self._window)
        box.setWindowTitle("About rfviewer")
        box.setText(
            tooltip(
                f"rfviewer {self._services.version}\n\nShows what RF-DETR segmentation sees, live, "
                "and why it is fast.\nApache-2.0. Uses Qt for Python (LGPL-3) and pyqtgraph (MIT)."
            )
        )
        box.open()

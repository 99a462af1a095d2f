"""The small style sheet: bars, flat buttons, menus and scroll bars. Fusion draws the rest."""

from rfviewer.gui.tokens import Tokens


def stylesheet(t: Tokens, icon_px: int) -> str:
    """Return the style sheet of the application for these tokens, with icons of that side."""
    return f"""
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
        padding: 4px 6px; }}
    #Bar, #Header {{ background: {t.panel}; }}
    #TopBar {{ background: {t.panel}; border-bottom: 1px solid {t.border}; }}
    #StatusStrip {{ background: {t.panel}; border-top: 1px solid {t.border}; }}
    #TransportBar {{ background: {t.panel}; border-top: 1px solid {t.border}; }}
    #SidePanel, #SidePanel > QWidget > QWidget {{ background: {t.panel}; }}
    #SidePanel {{ border: none; border-left: 1px solid {t.border}; }}
    #Card {{ background: {t.panel}; border: 1px solid {t.border}; border-radius: 6px; }}
    #PlotStrip {{ background: {t.window}; border-top: 1px solid {t.border}; }}
    #BottomStrip {{ background: {t.panel}; border-top: 1px solid {t.border}; }}
    #LabPage {{ background: {t.panel}; border-top: 1px solid {t.border}; }}
    #StripTabs {{ background: {t.panel}; }}
    #StripTabs::tab {{ padding: 4px 12px; color: {t.muted}; background: transparent;
        border: none; border-top: 2px solid transparent; }}
    #StripTabs::tab:selected {{ color: {t.text}; border-top-color: {t.accent}; }}
    #StripTabs::tab:hover {{ color: {t.text}; }}
    #StripTabs:focus {{ outline: none; }}
    #StripTabs:focus::tab:selected {{ background: {t.raised}; }}
    #Plain, #Plain > QWidget > QWidget {{ background: transparent; }}
    #FigureTable {{ background: {t.panel}; border: 1px solid transparent; }}
    #FigureTable:focus {{ border-color: {t.accent}; }}
    #FigureTable QHeaderView, #FigureTable QHeaderView::section {{ background: {t.panel};
        border: none; }}
    #VideoTag {{ background: rgba(16, 19, 26, 215); color: #f2f4f7; border-radius: 4px;
        padding: 3px 8px; }}
    #Small {{ padding: 0; }}
    QMenu QCheckBox {{ padding: 4px 12px 4px 8px; }}
    #Choice {{ border: 1px solid {t.border}; background: {t.raised}; text-align: left;
        padding-right: 16px; }}
    #Rule {{ background: {t.border}; }}
    #Muted {{ color: {t.muted}; }}
    #Bad {{ color: {t.bad}; }}
    #Banner {{ background: {t.raised}; border-bottom: 1px solid {t.border}; }}
    #Key {{ color: {t.muted}; background: {t.window}; border: 1px solid {t.border};
        border-radius: 3px; padding: 0 4px; }}

    QMenuBar {{ background: {t.panel}; border: none; padding: 1px 4px; spacing: 0; }}
    QMenuBar::item {{ padding: 4px 6px; border-radius: 4px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.pressed}; }}
    QMenu {{ background: {t.raised}; border: 1px solid {t.border}; padding: 4px; }}
    QMenu::item {{ padding: 5px 28px 5px 10px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.accent}; color: {t.on_accent}; }}
    QMenu::item:disabled {{ color: {t.muted}; background: transparent; }}
    QMenu::icon {{ padding-left: 6px; }}
    QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}

    QToolButton {{ icon-size: {icon_px}px; border: 1px solid transparent; border-radius: 5px;
        padding: 4px;
        background: transparent; color: {t.text}; }}
    QToolButton:hover {{ background: {t.raised}; border-color: {t.border}; }}
    QToolButton:pressed, QToolButton:checked {{ background: {t.pressed};
        border-color: {t.border}; }}
    QToolButton:focus {{ border-color: {t.accent}; }}
    QToolButton:disabled {{ color: {t.muted}; }}
    QToolButton[popupMode="1"][toolButtonStyle="0"] {{ padding-right: 18px; }}
    QToolButton[popupMode="2"] {{ padding-right: 16px; }}
    #qt_menubar_ext_button {{ padding: 0; }}
    #qt_menubar_ext_button::menu-indicator {{ image: none; }}
    QToolButton::menu-indicator {{ subcontrol-position: right center;
        subcontrol-origin: padding; right: 4px; width: 8px; }}

    QToolButton::menu-button {{ border: none; width: 16px; border-radius: 5px; }}
    QToolButton::menu-button:hover {{ background: {t.pressed}; }}
    #SectionHead, #SectionHead:checked {{ background: transparent; border-color: transparent;
        text-align: left; }}
    #SectionHead:hover {{ background: {t.raised}; }}
    #SectionHead:focus {{ border-color: {t.accent}; }}

    QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.pressed}; }}
    QSlider::sub-page:horizontal {{ border-radius: 2px; background: {t.accent}; }}
    QSlider::handle:horizontal {{ width: 12px; height: 12px; margin: -5px 0;
        border-radius: 7px; border: 1px solid {t.border if t.dark else t.muted};
        background: #ffffff; }}
    QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{
        border-color: {t.accent}; }}

    QPushButton {{ border: 1px solid {t.border}; border-radius: 5px; padding: 4px 12px;
        background: {t.raised}; color: {t.text}; min-height: 18px; }}
    QPushButton:hover {{ background: {t.pressed}; }}
    QPushButton:pressed {{ background: {t.border}; }}
    QPushButton:focus {{ border-color: {t.accent}; }}
    QPushButton:disabled {{ color: {t.muted}; }}
    QPushButton[primary="true"] {{ background: {t.accent}; color: {t.on_accent};
        border-color: {t.accent}; }}
    QPushButton[primary="true"]:disabled {{ background: {t.raised}; color: {t.muted};
        border-color: {t.border}; }}

    #StartCard {{ min-width: 120px; min-height: 84px; padding: 0; }}

    QLineEdit {{ border: 1px solid {t.border}; border-radius: 5px; padding: 3px 6px;
        background: {t.raised}; selection-background-color: {t.accent};
        selection-color: {t.on_accent}; }}
    QLineEdit:focus {{ border-color: {t.accent}; }}

    QProgressBar {{ border: none; border-radius: 3px; background: {t.pressed};
        max-height: 6px; min-height: 6px; }}
    QProgressBar::chunk {{ border-radius: 3px; background: {t.accent}; }}

    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: {t.pressed}; border-radius: 3px;
        min-height: 32px; margin: 2px; }}
    QScrollBar::handle:vertical:hover {{ background: {t.muted}; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle:horizontal {{ background: {t.pressed}; border-radius: 3px;
        min-width: 32px; margin: 2px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QSplitter::handle {{ background: {t.border}; }}
    QSplitter::handle:hover {{ background: {t.accent}; }}
    QListWidget::item {{ padding: 4px 6px; border-radius: 4px; }}
    QListWidget::item:selected {{ background: {t.accent}; color: {t.on_accent}; }}
    QListView {{ border: none; background: transparent; outline: none; }}
    """

"""What foreign media may make FFmpeg do: lists of formats, protocols and codecs, and size limits.

A decoder that nobody needs is attack surface (MagicYUV: CVE-2026-8461, VVC: CVE-2026-125244), and a
playlist can make FFmpeg open other files and hosts. So everything not listed here is refused.
"""

import re

FILE_FORMATS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "h264", "hevc", "obu", "av1", "ivf",
    "flv", "live_flv", "asf", "ogg", "mxf", "gif", "apng", "mjpeg", "yuv4mpegpipe", "m4v", "h261",
    "h263", "vc1", "dv", "nut", "rm", "wtv", "webp_anim", "webp_pipe", "png_pipe", "jpeg_pipe",
    # Formats of sound: opened so that the message can say "audio only".
    "mp3", "wav", "flac", "aac", "ac3", "aiff", "amr", "caf", "au",
)  # fmt: skip
"""Demuxers for files. No hls, concat, dash, sdp, image sequences, lavfi or devices."""

URL_FORMATS = (*FILE_FORMATS, "rtsp", "rtp", "hls", "mpjpeg")
"""Demuxers for URLs that the user typed."""

FILE_PROTOCOLS = ("file",)
URL_PROTOCOLS = {
    "rtsp": ("rtsp", "rtp", "rtcp", "udp", "tcp"),
    "rtsps": ("rtsps", "rtsp", "rtp", "srtp", "rtcp", "udp", "tcp", "tls"),
    "http": ("http", "https", "tcp", "tls", "httpproxy", "crypto"),
    "https": ("http", "https", "tcp", "tls", "httpproxy", "crypto"),
    "rtp": ("rtp", "rtcp", "udp"),
    "udp": ("udp",),
    "tcp": ("tcp",),
}
"""Protocols by the scheme of the typed URL. None of them contains `file`."""

VIDEO_CODECS = frozenset({
    "h264", "hevc", "av1", "libdav1d", "libaom-av1", "vp8", "vp9", "libvpx", "libvpx-vp9",
    "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2",
    "wmv3", "vc1", "h261", "h263", "h263p", "flv", "theora", "rv30", "rv40",
    "mjpeg", "gif", "png", "apng", "webp", "webp_anim", "bmp", "tiff",
    "prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210",
    "qtrle", "cinepak", "svq1", "svq3", "cfhd", "jpeg2000", "libopenjpeg", "zlib", "mpegvideo",
})  # fmt: skip
"""Decoders by FFmpeg name, compared with `codec_context.name` before a packet is decoded."""

AUDIO_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"})
"""Sound that is copied, by codec name."""
_AUDIO_DECODERS = (*sorted(AUDIO_CODECS), "mp3float")

MAX_FRAME_PIXELS = 100_000_000
"""Larger frames are refused: 100 megapixels are 300 MB as BGR, and three times 8K x 4K."""


def decoder_options() -> dict[str, str]:
    """Return the options that hold FFmpeg's own probing to the same limits.

    `codec_whitelist` acts on the decoders that FFmpeg opens while it probes a file, not on those
    that PyAV opens; those are checked by name.
    """
    return {
        "codec_whitelist": ",".join(sorted(VIDEO_CODECS)),
        "max_pixels": str(MAX_FRAME_PIXELS),
    }


def host_of(address: str) -> str:
    """Return the host of "scheme://host..." without user and port; empty where there is none."""
    server = re.split(r"[/?#]", address.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
    return server if server.startswith("[") else server.partition(":")[0]


def sound_options() -> dict[str, str]:
    """Return the options under which a local file is opened for its sound alone.

    Its pictures are not decoded, not even while FFmpeg probes it.
    """
    return {
        "format_whitelist": ",".join(FILE_FORMATS),
        "protocol_whitelist": ",".join(FILE_PROTOCOLS),
        "codec_whitelist": ",".join(_AUDIO_DECODERS),
    }

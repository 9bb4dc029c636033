package io.moetier.kernels.cpu.vector;

import io.moetier.kernels.tensor.TileLayout;
import io.moetier.storage.model.DType;

/// How long blocks of 32 weights are that sixteen rows share, and where their parts begin, of [TileLayout]; scales come
/// first in each.
final class Blocks {
    static final long Q8_0_BYTES = TileLayout.bytes(DType.Q8_0);
    static final int Q8_0_WEIGHTS = TileLayout.at(DType.Q8_0, "qs");

    static final long Q4_0_BYTES = TileLayout.bytes(DType.Q4_0);
    static final int Q4_0_WEIGHTS = TileLayout.at(DType.Q4_0, "qs");

    static final long Q4_1_BYTES = TileLayout.bytes(DType.Q4_1);
    static final int Q4_1_OFFSETS = TileLayout.at(DType.Q4_1, "m");
    static final int Q4_1_WEIGHTS = TileLayout.at(DType.Q4_1, "qs");

    static final long Q5_0_BYTES = TileLayout.bytes(DType.Q5_0);
    static final int Q5_0_FIFTH_BITS = TileLayout.at(DType.Q5_0, "qh");
    static final int Q5_0_WEIGHTS = TileLayout.at(DType.Q5_0, "qs");

    static final long Q5_1_BYTES = TileLayout.bytes(DType.Q5_1);
    static final int Q5_1_OFFSETS = TileLayout.at(DType.Q5_1, "m");
    static final int Q5_1_FIFTH_BITS = TileLayout.at(DType.Q5_1, "qh");
    static final int Q5_1_WEIGHTS = TileLayout.at(DType.Q5_1, "qs");

    static final long IQ4_NL_BYTES = TileLayout.bytes(DType.IQ4_NL);
    static final int IQ4_NL_WEIGHTS = TileLayout.at(DType.IQ4_NL, "qs");

    static final long MXFP4_BYTES = TileLayout.bytes(DType.MXFP4);
    static final int MXFP4_WEIGHTS = TileLayout.at(DType.MXFP4, "qs");

    /// Of a super-block, which is eight blocks.
    static final int IQ4_XS_SCALES = TileLayout.at(DType.IQ4_XS, "scales");

    static final int IQ4_XS_WEIGHTS = TileLayout.at(DType.IQ4_XS, "qs");

    private Blocks() {}
}

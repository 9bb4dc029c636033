package io.moetier.storage.format;

import io.moetier.storage.model.DType;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.TensorInfo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A matrix of whole numbers of four bits that compressed-tensors has packed (`pack-quantized`), as Kimi K2 Thinking
/// is published: eight of a row in 32 bits, the first in the lowest, each 8 more than it stands for, and one factor
/// for each group of a row. Groups of whole blocks are blocks of [DType#Q4_0], and the matrix is read as those.
///
/// Only the factors may change: blocks have them in float16, to which they are rounded. Those in bfloat16 from 2^-17
/// on are exact. The shape of the matrix, which lies beside the codes too, follows from theirs.
///
/// @param shape of the matrix, `[rows, cols]`
/// @param codes `[rows, cols / 8]`
/// @param scales `[rows, ceil(cols / group)]`
record PackedInt4(List<Long> shape, RawTensor codes, RawTensor scales, int group) {
    /// What the name of the codes has behind that of the matrix.
    static final String CODES = "_packed";

    /// The group of what has one factor for each row.
    private static final int ROW = Integer.MAX_VALUE;

    private static final int WHOLE_ROW = -1; // as `group_size` says it

    private static final String FORMAT = "pack-quantized";
    private static final String SCALES = "_scale";

    /// What belongs to codes of other kinds: offsets, and the group of each column.
    private static final List<String> OF_OTHERS = List.of("_zero_point", "_g_idx");

    private static final DType TYPE = DType.Q4_0;
    private static final Set<DType> TYPES_OF_SCALES = Set.of(DType.F32, DType.BF16, DType.F16);
    private static final int CODES_OF_INT = 8;
    private static final int CHUNK_BLOCKS = 1 << 12;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Returns the matrix `name`.
    ///
    /// @param group as [#group]
    /// @throws MalformedModelException if its codes or factors are missing or not as they should be
    static PackedInt4 of(String name, List<Long> shape, Map<String, RawTensor> tensors, int group) {
        RawTensor codes = Objects.requireNonNull(tensors.get(name + CODES));
        if (shape.size() != 2 || shape.getLast() % TYPE.blockElements() != 0) {
            throw MalformedModelException.of(
                    codes.file(), "tensor " + codes.name(), "a matrix whose rows are whole blocks of 32", shape);
        }
        for (String other : OF_OTHERS) {
            RawTensor found = tensors.get(name + other);
            if (found != null) {
                throw MalformedModelException.of(
                        found.file(), "tensor " + name, "codes and factors alone", found.name());
            }
        }
        long cols = shape.getLast();
        require(codes, ElementType.I32.name(), List.of(shape.getFirst(), cols / CODES_OF_INT));
        RawTensor scales = tensors.get(name + SCALES);
        if (scales == null) {
            throw MalformedModelException.of(
                    codes.file(), "tensor " + codes.name(), "its factors in " + name + SCALES, "no such tensor");
        }
        String type = scales.usable()
                        .map(TensorInfo::dtype)
                        .filter(TYPES_OF_SCALES::contains)
                        .isPresent()
                ? scales.dtype()
                : "F32, BF16 or F16";
        require(scales, type, List.of(shape.getFirst(), Math.ceilDiv(cols, (long) group)));
        return new PackedInt4(shape, codes, scales, group);
    }

    private static void require(RawTensor tensor, String dtype, List<Long> shape) {
        if (!tensor.dtype().equals(dtype) || !tensor.shape().equals(shape)) {
            throw MalformedModelException.of(
                    tensor.file(),
                    "tensor " + tensor.name(),
                    dtype + " " + shape,
                    tensor.dtype() + " " + tensor.shape());
        }
    }

    /// Returns how many numbers of a row have one factor, by what a `config.json` says of how they were packed; none
    /// if it does not say that compressed-tensors did.
    ///
    /// @throws MalformedModelException if it did in a way that is not read, or has activations rotated
    static OptionalInt group(JsonObject quantisation) {
        boolean isTheirs = quantisation
                .optionalString("quant_method")
                .filter("compressed-tensors"::equals)
                .isPresent();
        if (!isTheirs) {
            return OptionalInt.empty();
        }
        quantisation
                .optionalObject("transform_config")
                .ifPresent(transform -> requireOneOf(transform, "config_groups", null, Map.of()));
        boolean isPacked = quantisation
                .optionalString("format")
                .filter(format -> format.contains("pack"))
                .isPresent();
        if (!isPacked) {
            return OptionalInt.empty();
        }
        requireOneOf(quantisation, "format", FORMAT);
        quantisation
                .optionalObject("sparsity_config")
                .ifPresent(sparsity -> requireOneOf(sparsity, "format", null, "dense"));
        JsonObject groups = quantisation.requireObject("config_groups");
        List<Integer> sizes = groups.keys().stream()
                .map(groups::requireObject)
                .map(PackedInt4::groupOf)
                .distinct()
                .toList();
        if (sizes.size() != 1) {
            throw quantisation.unexpected("config_groups", "groups of one size", sizes);
        }
        return OptionalInt.of(sizes.getFirst());
    }

    private static int groupOf(JsonObject scheme) {
        requireOneOf(scheme, "format", null, FORMAT);
        JsonObject weights = scheme.requireObject("weights");
        requireOneOf(weights, "num_bits", 4);
        requireOneOf(weights, "type", null, "int");
        requireOneOf(weights, "symmetric", null, true);
        // The order in which columns were rounded is none of the file's, but for that of groups.
        requireOneOf(weights, "actorder", null, false, "weight", "static");
        Optional<Integer> size = weights.optionalInt("group_size").filter(group -> group != WHOLE_ROW);
        if (size.isPresent()) {
            requireOneOf(weights, "strategy", null, "group"); // which the size alone says, too
        } else {
            requireOneOf(weights, "strategy", "channel");
        }
        if (size.filter(group -> group < 1 || group % TYPE.blockElements() != 0).isPresent()) {
            throw weights.unexpected("group_size", "a multiple of 32", size.get());
        }
        return size.orElse(ROW);
    }

    /// @param values of which one is expected, null if there may be none
    private static void requireOneOf(JsonObject object, String key, @Nullable Object... values) {
        Object found = object.value(key);
        if (!Arrays.asList(values).contains(found)) {
            String expected = Arrays.stream(values)
                    .filter(Objects::nonNull)
                    .map(String::valueOf)
                    .collect(Collectors.joining(" or "));
            throw object.unexpected(key, expected + ", as in weights that are read", found);
        }
    }

    /// Returns the matrix as it is read.
    TensorInfo asBlocks(String name) {
        long bytes = shape.getFirst() * TYPE.bytes(shape.getLast());
        return new TensorInfo(name, TYPE, shape, codes.file(), codes.offset(), bytes);
    }

    /// Returns the bytes of the blocks that are read of codes.
    static long blockBytes(RawTensor codes) {
        return codes.byteLength() / PairedCodes.BYTES * TYPE.blockBytes();
    }

    /// Says whether a tensor is of the factors of some codes or of the shape of their matrix.
    static boolean isBesideCodes(String name, Set<String> names) {
        return Stream.of(SCALES, "_shape")
                .filter(name::endsWith)
                .anyMatch(end -> names.contains(name.substring(0, name.length() - end.length()) + CODES));
    }

    /// Fills `dst` with bytes of the blocks from `fromByte` on.
    ///
    /// @throws IllegalArgumentException if these are not whole blocks
    /// @throws MalformedModelException if a factor is no number of float16
    void read(long fromByte, MemorySegment dst, ScaledFloat8.Reader reader) {
        int blockBytes = TYPE.blockBytes();
        if (fromByte % blockBytes != 0 || dst.byteSize() % blockBytes != 0) {
            throw new IllegalArgumentException(
                    "bytes " + fromByte + " + " + dst.byteSize() + " are no whole blocks of " + codes.name());
        }
        long blocks = dst.byteSize() / blockBytes;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment packed = arena.allocate(Math.min(CHUNK_BLOCKS, blocks) * PairedCodes.BYTES);
            for (long at = 0; at < blocks; at += CHUNK_BLOCKS) {
                int count = (int) Math.min(CHUNK_BLOCKS, blocks - at);
                long first = fromByte / blockBytes + at;
                reader.read(codes, first * PairedCodes.BYTES, packed.asSlice(0, (long) count * PairedCodes.BYTES));
                pack(
                        packed,
                        first,
                        scalesOf(first, count, reader),
                        dst.asSlice(at * blockBytes, (long) count * blockBytes));
            }
        }
    }

    private void pack(MemorySegment packed, long first, float[] factors, MemorySegment dst) {
        long perRow = shape.getLast() / TYPE.blockElements();
        int factorsPerRow = Math.toIntExact(scales.shape().getLast());
        long firstRow = first / perRow;
        for (int block = 0; block * (long) TYPE.blockBytes() < dst.byteSize(); block++) {
            long row = (first + block) / perRow;
            long col = (first + block) % perRow * TYPE.blockElements();
            float factor = factors[(int) ((row - firstRow) * factorsPerRow + col / group)];
            long to = (long) block * TYPE.blockBytes();
            dst.set(SHORT, to, float16(factor));
            PairedCodes.reorder(packed, (long) block * PairedCodes.BYTES, dst, to + Short.BYTES);
        }
    }

    private short float16(float factor) {
        short rounded = Float.floatToFloat16(factor);
        if (!Float.isFinite(Float.float16ToFloat(rounded))) {
            throw MalformedModelException.of(
                    scales.file(), "tensor " + scales.name(), "factors that are numbers of float16", factor);
        }
        return rounded;
    }

    /// Returns the factors of the rows that have some of these blocks.
    private float[] scalesOf(long first, int count, ScaledFloat8.Reader reader) {
        long blocksPerRow = shape.getLast() / TYPE.blockElements();
        long firstRow = first / blocksPerRow;
        long lastRow = (first + count - 1) / blocksPerRow;
        DType type = scales.require().dtype();
        long perRow = scales.shape().getLast();
        float[] floats = new float[Math.toIntExact((lastRow - firstRow + 1) * perRow)];
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(type.bytes(floats.length))]);
        reader.read(scales, firstRow * type.bytes(perRow), bytes);
        Floats.decode(type, bytes, floats.length, floats, 0);
        return floats;
    }
}

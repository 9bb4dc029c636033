package io.moetier.runtime.model.vision;

import io.moetier.kernels.device.DeviceBuffer;
import io.moetier.kernels.device.Kernels;
import io.moetier.kernels.device.RopeTable;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// The images among the tokens of a session: what stands in the place of their tokens, and where all tokens are.
///
/// A token of a text is one further than what is before it, in time, row and column alike. Those of an image are at one
/// time, in their rows and columns from there on; what follows comes behind the longer side (Qwen2-VL, Wang et
/// al. 2024, arXiv:2409.12191, section 2.1).
public final class Sight implements AutoCloseable {
    /// No image.
    public static final Sight NOTHING = new Sight(0);

    private static final int AXES = 3; // time, row, column
    private static final int AHEAD = 4096; // tokens whose rotations are computed before they come

    private final int[][] places; // by axis and token
    private final List<Seen> images = new ArrayList<>();
    private final Map<RopeTable, RopeTable> tables = new HashMap<>();
    private int length; // tokens with a place of their own
    private int next; // where the token behind them is

    /// @param memory owns the rows
    private record Seen(int first, ImageRows rows, Arena memory) {
        boolean isBefore(int position) {
            return first + rows.number() <= position;
        }
    }

    /// @param capacity tokens of the session
    public Sight(int capacity) {
        places = new int[AXES][capacity];
    }

    /// Says whether there is an image.
    public boolean isEmpty() {
        return images.isEmpty();
    }

    /// Says whether one of `n` tokens from position `first` on is an image's.
    public boolean isAmong(int first, int n) {
        for (int i = 0; i < images.size(); i++) {
            Seen image = images.get(i);
            if (image.first < first + n && !image.isBefore(first)) {
                return true;
            }
        }
        return false;
    }

    /// Returns the position of the last token of the image that a token is of; its own if it is of none.
    public int lastSeenWith(int position) {
        for (int i = 0; i < images.size(); i++) {
            Seen image = images.get(i);
            if (image.first <= position && !image.isBefore(position)) {
                return image.first + image.rows.number() - 1;
            }
        }
        return position;
    }

    /// Returns the position of the first token of the image that a token is of; its own if it is of none.
    public int firstSeenWith(int position) {
        for (int i = 0; i < images.size(); i++) {
            Seen image = images.get(i);
            if (image.first <= position && !image.isBefore(position)) {
                return image.first;
            }
        }
        return position;
    }

    /// Forgets every token from `position` on.
    public void truncate(int position, Kernels kernels) {
        if (position < length) {
            List<Seen> gone =
                    images.stream().filter(image -> !image.isBefore(position)).toList();
            images.removeAll(gone);
            gone.forEach(image -> image.memory.close());
            length = position;
            next = IntStream.range(0, AXES * position)
                            .map(i -> places[i % AXES][i / AXES])
                            .max()
                            .orElse(-1)
                    + 1;
            forgetTables(kernels);
        }
    }

    /// Puts text up to position `end`, which is not before what is known.
    public void text(int end) {
        while (length < end) {
            put(next, next, next);
            next++;
        }
    }

    /// Puts an image from position `first` on, where its tokens will be.
    ///
    /// @param memory owns the rows, and is closed when the image is forgotten
    public void image(int first, ImageRows rows, Arena memory, Kernels kernels) {
        text(first);
        images.add(new Seen(first, rows, memory));
        for (int row = 0; row < rows.rows(); row++) {
            for (int col = 0; col < rows.cols(); col++) {
                put(next, next + row, next + col);
            }
        }
        next += Math.max(rows.rows(), rows.cols());
        forgetTables(kernels);
    }

    private void put(int time, int row, int col) {
        places[0][length] = time;
        places[1][length] = row;
        places[2][length] = col;
        length++;
    }

    private int place(int axis, int token) {
        return token < length ? places[axis][token] : next + token - length;
    }

    /// Returns the table to rotate with: `text`'s own frequencies, at the places of this session's tokens.
    ///
    /// @param axes by which each pair is rotated; none if by the position alone
    public RopeTable rotations(RopeTable text, int[] axes) {
        if (axes.length == 0 || images.isEmpty()) {
            return text;
        }
        RopeTable known = tables.get(text);
        return known == null ? newTable(text, axes) : known;
    }

    private RopeTable newTable(RopeTable text, int[] axes) {
        RopeTable table = text.along((token, pair) -> place(axes[pair], token));
        table.reserve(Math.min(places[0].length, AHEAD));
        tables.put(text, table);
        return table;
    }

    private void forgetTables(Kernels kernels) {
        tables.values().forEach(kernels::forget);
        tables.clear();
    }

    @Override
    public void close() {
        images.forEach(image -> image.memory.close());
        images.clear();
    }

    /// Tokens of a pass.
    ///
    /// @param first position of the first
    /// @param residual `[n, size]`
    public record Rows(int first, int n, int size, DeviceBuffer residual) {}

    /// Puts rows of images in the place of their tokens' embeddings.
    public void embed(Kernels kernels, Rows rows) {
        for (Seen image : images) {
            Overlap overlap = Overlap.of(image, rows);
            if (overlap.count > 0) {
                kernels.copyRows(
                        image.rows.features(),
                        overlap.ofImage,
                        overlap.ofPass,
                        0,
                        overlap.count,
                        rows.size,
                        rows.residual);
            }
        }
    }

    /// Adds what comes behind a layer of the text.
    ///
    /// @param one has as much room as the rows; `other` likewise
    public void addBehind(int layer, Kernels kernels, Rows rows, DeviceBuffer one, DeviceBuffer other) {
        for (Seen image : images) {
            Overlap overlap = Overlap.of(image, rows);
            int count = overlap.count;
            if (count > 0 && layer < image.rows.deepstack().size()) {
                int[] packed = IntStream.range(0, count).toArray();
                DeviceBuffer added = image.rows.deepstack().get(layer);
                kernels.copyRows(rows.residual, overlap.ofPass, packed, 0, count, rows.size, one);
                kernels.copyRows(added, overlap.ofImage, packed, 0, count, rows.size, other);
                kernels.add(one, other, count * rows.size);
                kernels.copyRows(one, packed, overlap.ofPass, 0, count, rows.size, rows.residual);
            }
        }
    }

    /// Rows of an image and those of a pass that are the same tokens.
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    private record Overlap(int count, int[] ofImage, int[] ofPass) {
        static Overlap of(Seen image, Rows rows) {
            int from = Math.max(rows.first, image.first);
            int end = Math.max(from, Math.min(rows.first + rows.n, image.first + image.rows.number()));
            return new Overlap(
                    end - from,
                    IntStream.range(from - image.first, end - image.first).toArray(),
                    IntStream.range(from - rows.first, end - rows.first).toArray());
        }
    }
}

package io.moetier.storage.expert;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Reads the first blocks by each way in turn, timing them, and all later ones by the fastest.
///
/// The blocks that are timed are blocks that were wanted anyway, so the measurement costs no read. Each way's first
/// block is not counted, for its code is cold. A way's figure is the median of its others.
final class AutoReader implements BlockReader {
    static final int COUNTED_BLOCKS = 3;

    /// Direct reads leave nothing in the page cache for the next time, so they must win by a quarter.
    private static final double DIRECT_MARGIN = 1.25;

    private final List<BlockReader> ways;
    private final LongSupplier nanoTime;
    private final String remark;
    private final AtomicInteger nextTrial = new AtomicInteger();
    private final double[][] bytesPerNano;
    private int finishedTrials;
    private volatile @Nullable BlockReader chosen;
    private volatile String description = "auto (not measured yet)";

    /// @param ways the first one serves the reads that are not timed
    /// @param remark what to add to the description, or nothing
    AutoReader(List<BlockReader> ways, LongSupplier nanoTime, String remark) {
        this.ways = List.copyOf(ways);
        this.nanoTime = nanoTime;
        this.remark = remark;
        this.bytesPerNano = new double[ways.size()][COUNTED_BLOCKS];
    }

    /// Opens those ways of reading the files that pay here and that the file system knows.
    ///
    /// @param areCached whether the files fit the page cache: reading past it wins the first time, and then pays
    /// the disk again every time
    /// @param areAddressesLimited whether a mapping, which takes as many addresses as the files have bytes until it
    /// is closed, would take them from the slots
    static AutoReader open(List<Path> files, boolean areCached, boolean areAddressesLimited, LongSupplier nanoTime)
            throws IOException {
        List<BlockReader> ways = new ArrayList<>();
        ways.add(ChannelReader.open(files));
        String remark = areAddressesLimited
                ? "; mapped left out, for the address space is limited"
                : added(ways, "mapped", () -> MappedReader.open(files));
        remark += areCached
                ? "; direct left out, for the files fit the page cache"
                : added(ways, "direct", () -> ChannelReader.openDirect(files));
        return new AutoReader(ways, nanoTime, remark);
    }

    /// Something that opens files for one way of reading.
    private interface Opener {
        BlockReader open() throws IOException;
    }

    /// Adds a way, or returns why not.
    private static String added(List<BlockReader> ways, String name, Opener opener) {
        try {
            ways.add(opener.open());
            return "";
        } catch (IOException e) {
            return "; " + name + " refused: " + e.getMessage();
        }
    }

    @Override
    public void read(int file, long offset, long bytes, MemorySegment destination) throws IOException {
        BlockReader fastest = chosen;
        if (fastest != null) {
            fastest.read(file, offset, bytes, destination);
            return;
        }
        int trial = nextTrial.getAndIncrement();
        if (trial >= numTrials()) {
            ways.getFirst().read(file, offset, bytes, destination);
            return;
        }
        double rate = 0;
        try {
            long start = nanoTime.getAsLong();
            ways.get(trial % ways.size()).read(file, offset, bytes, destination);
            rate = (double) bytes / Math.max(1, nanoTime.getAsLong() - start);
        } catch (IOException e) {
            // a way that fails is as slow as can be; the error is the file's only if the plain way fails too
            ways.getFirst().read(file, offset, bytes, destination);
        } finally {
            finish(trial, rate);
        }
    }

    @Override
    public boolean isPastCache() {
        return false;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public void close() throws IOException {
        for (BlockReader way : ways) {
            way.close();
        }
    }

    private int numTrials() {
        return ways.size() * (1 + COUNTED_BLOCKS);
    }

    private synchronized void finish(int trial, double rate) {
        int round = trial / ways.size() - 1;
        if (round >= 0) {
            bytesPerNano[trial % ways.size()][round] = rate;
        }
        if (++finishedTrials == numTrials()) {
            choose();
        }
    }

    private void choose() {
        StringBuilder figures = new StringBuilder();
        BlockReader best = ways.getFirst();
        double bestScore = -1;
        for (int i = 0; i < ways.size(); i++) {
            BlockReader way = ways.get(i);
            Arrays.sort(bytesPerNano[i]);
            double median = bytesPerNano[i][COUNTED_BLOCKS / 2];
            figures.append(figures.isEmpty() ? "" : ", ")
                    .append(String.format(Locale.ROOT, "%s %.1f", way.description(), median));
            double score = way.description().equals("direct") ? median / DIRECT_MARGIN : median;
            if (score > bestScore) {
                best = way;
                bestScore = score;
            }
        }
        description = best.description() + " (auto: " + figures + " GB/s over " + COUNTED_BLOCKS + " blocks each"
                + remark + ")";
        chosen = best;
    }
}

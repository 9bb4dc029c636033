package io.moetier.runtime.hub;

import io.moetier.runtime.hub.FileDownload.Part;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Where those who download meet: some fetch parts of files, one checks files in order and publishes them, and one
/// waits for all of it.
///
/// Whoever takes a part says of each of its chunks that it has arrived, or gives the rest back. The first failure ends
/// all waiting.
final class Board {
    private final List<FileDownload> downloads;
    private final int mostChunks;
    private int published;
    private long fetchedBytes;
    private boolean ended;
    private @Nullable IOException failure;

    Board(List<FileDownload> downloads, int mostChunks) {
        this.downloads = List.copyOf(downloads);
        this.mostChunks = mostChunks;
    }

    /// Returns chunks to fetch, once there are some; nothing when there is nothing left to do.
    synchronized Optional<Part> take() throws InterruptedException {
        while (!ended) {
            for (FileDownload download : downloads) {
                if (download.hasFree()) {
                    return Optional.of(download.take(mostChunks));
                }
            }
            if (downloads.stream().allMatch(FileDownload::isComplete)) {
                return Optional.empty();
            }
            wait(); // somebody may give some back
        }
        return Optional.empty();
    }

    synchronized void markArrived(FileDownload download, int chunk) {
        download.markArrived(chunk);
        fetchedBytes += download.bytes(chunk);
        notifyAll();
    }

    synchronized void giveBack(FileDownload download, int from, int to) {
        download.giveBack(from, to);
        notifyAll();
    }

    /// Gives a part back, of whose file no parts are to be had.
    synchronized void giveBackForOne(Part part) {
        part.download().comeInOnePart();
        giveBack(part.download(), part.from(), part.to());
    }

    synchronized boolean hasArrived(FileDownload download, int chunk) {
        return download.hasArrived(chunk);
    }

    /// Waits for a chunk; says whether it is there.
    synchronized boolean await(FileDownload download, int chunk) throws InterruptedException {
        while (!ended && !download.hasArrived(chunk)) {
            wait();
        }
        return !ended;
    }

    synchronized void markPublished() {
        published++;
        ended |= published == downloads.size();
        notifyAll();
    }

    synchronized void fail(IOException newFailure) {
        if (!ended) {
            failure = newFailure;
            ended = true;
            notifyAll();
        }
    }

    synchronized long fetchedBytes() {
        return fetchedBytes;
    }

    /// Waits a while; says whether all has ended.
    ///
    /// @throws IOException if it has failed
    synchronized boolean awaitEnd(long millis) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        for (long left = millis; !ended && left > 0; left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())) {
            wait(left);
        }
        if (failure != null) {
            throw failure;
        }
        return ended;
    }
}

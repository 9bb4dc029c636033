package io.moetier.runtime.hub;

import io.moetier.runtime.hub.FileDownload.Part;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// One download of files: threads that fetch parts of them, and one that checks them in order.
///
/// Who fetches takes parts in the order of the files, so that who checks is never far behind: it reads what has just
/// been written, and is done soon after the last byte has come.
final class Transfer {
    private static final int BUFFER = 1 << 18;
    private static final int REDRAW_MILLIS = 100;

    private final Hub hub;
    private final HubRepository repository;
    private final List<FileDownload> downloads;
    private final PullSettings settings;
    private final Board board;

    Transfer(Hub hub, HubRepository repository, List<FileDownload> downloads, PullSettings settings) {
        this.hub = hub;
        this.repository = repository;
        this.downloads = downloads;
        this.settings = settings;
        this.board = new Board(downloads, settings.chunksPerRequest());
    }

    /// Downloads all, and returns once nothing is at work any more.
    void run(PullListener.Download listener) throws IOException {
        List<Worker> workers = new ArrayList<>(List.of(Worker.start("moetier-check", this::check)));
        for (int i = 0; i < settings.connections(); i++) {
            workers.add(Worker.start("moetier-fetch-" + i, this::fetch));
        }
        try {
            while (!board.awaitEnd(REDRAW_MILLIS)) {
                listener.update(board.fetchedBytes());
            }
            listener.update(board.fetchedBytes());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted; what has come stays, and the next time goes on from there");
        } finally {
            board.fail(new InterruptedIOException("stopped"));
            workers.forEach(Worker::stop);
            workers.forEach(Worker::join);
        }
    }

    private void fetch(Worker self) {
        try {
            int failed = 0;
            for (Optional<Part> part = board.take(); part.isPresent(); part = board.take()) {
                failed = fetch(self, part.get(), failed);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it has been stopped
        } catch (IOException e) {
            board.fail(e);
        } catch (RuntimeException | Error e) {
            board.fail(new IOException("internal error: " + e, e));
        }
    }

    /// Fetches a part, or what can be had of it now; returns how often that has failed without anything coming.
    private int fetch(Worker self, Part part, int failedBefore) throws IOException {
        FileDownload download = part.download();
        int next = part.from();
        int failed = failedBefore;
        try (InputStream body = hub.open(repository, download.file, part.offset(), part.bytes())) {
            byte[] buffer = new byte[Math.min(BUFFER, settings.chunkBytes())];
            while (next < part.to()) {
                failed = fetchChunk(self, download, next, body, buffer) ? 0 : failed;
                next++;
            }
            Hub.requireEnd(body, download.file.path());
            return 0;
        } catch (HubException.WithoutParts e) {
            board.giveBackForOne(part);
            return failed;
        } catch (HubException e) {
            board.giveBack(download, next, part.to());
            hub.awaitAfter(e, failed);
            return failed + 1;
        }
    }

    /// Fetches a chunk; passes over one that is there, and may have been checked, and says that it was none to fetch.
    private boolean fetchChunk(Worker self, FileDownload download, int chunk, InputStream body, byte[] buffer)
            throws IOException {
        boolean isThere = board.hasArrived(download, chunk);
        long offset = (long) chunk * download.chunkBytes;
        long end = offset + download.bytes(chunk);
        while (offset < end) {
            int read = Hub.readSome(body, buffer, (int) Math.min(buffer.length, end - offset), download.file.path());
            long at = offset;
            if (!isThere) {
                self.atFile(() -> download.partial.write(ByteBuffer.wrap(buffer, 0, read), at));
            }
            offset += read;
        }
        if (isThere) {
            return false;
        }
        download.partial.markArrived(chunk);
        if (download.partial.isDue(TimeUnit.SECONDS.toNanos(settings.secondsBetweenNotes()))) {
            self.atFile(download.partial::keep);
        }
        board.markArrived(download, chunk);
        return true;
    }

    private void check(Worker self) {
        try {
            for (FileDownload download : downloads) {
                if (!check(self, download)) {
                    return;
                }
                board.markPublished();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it has been stopped
        } catch (IOException e) {
            board.fail(e);
        } catch (RuntimeException | Error e) {
            board.fail(new IOException("internal error: " + e, e));
        }
    }

    /// Reads a file as it comes, and publishes it if it is what the hub says it is; says whether it came at all.
    private boolean check(Worker self, FileDownload download) throws IOException, InterruptedException {
        HubFile file = download.file;
        ContentDigest digest = new ContentDigest(file);
        byte[] buffer = new byte[(int) Math.min(settings.chunkBytes(), file.bytes())];
        for (int chunk = 0; chunk < download.chunks(); chunk++) {
            if (!board.await(download, chunk)) {
                return false;
            }
            int bytes = download.bytes(chunk);
            long offset = (long) chunk * download.chunkBytes;
            self.atFile(() -> download.partial.read(ByteBuffer.wrap(buffer, 0, bytes), offset));
            digest.update(buffer, bytes);
        }
        String found = digest.finish();
        if (!found.equals(file.etag())) {
            self.atFile(download.partial::drop);
            throw HubException.lasting(file.path() + ": what came has the digest " + found + ", the hub tells of "
                    + file.etag() + "; it has been removed, pull it again");
        }
        self.atFile(download.partial::publish);
        return true;
    }
}

package io.moetier.storage.expert;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/// Keeps two imports of one store apart, across processes and within this one. A killed holder's lock is free again.
///
/// The lock file is deleted on release, so a lock may be won on a file that has just lost its name. The second
/// channel tells: opened by name, it must meet our own lock. It stays open as long as the lock, because on POSIX
/// systems closing any descriptor of a file drops the process's locks on it.
final class ImportLock implements AutoCloseable {
    /// The locks of this process. They belong to the process, not to an object, hence static; the set also keeps a
    /// second attempt from opening the file, whose closing would drop the first one's lock.
    private static final Set<Path> HELD = new HashSet<>();

    private final Path file;
    private final FileChannel holder;
    private final FileChannel witness;

    private ImportLock(Path file, FileChannel holder, FileChannel witness) {
        this.file = file;
        this.holder = holder;
        this.witness = witness;
    }

    /// Takes the lock of the store that is to be published as `target`, a real path whose parent exists.
    ///
    /// @throws ImportRunningException if another import holds it
    static ImportLock acquire(Path target) throws IOException {
        Path file = target.resolveSibling("." + target.getFileName() + ".lock");
        synchronized (HELD) {
            if (HELD.contains(file)) {
                throw new ImportRunningException(target);
            }
            while (true) {
                FileChannel holder = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                if (holder.tryLock() == null) {
                    holder.close();
                    throw new ImportRunningException(target);
                }
                try {
                    FileChannel witness = FileChannel.open(file, StandardOpenOption.WRITE);
                    if (meetsOurLock(witness)) {
                        HELD.add(file);
                        return new ImportLock(file, holder, witness);
                    }
                    witness.close();
                } catch (NoSuchFileException e) {
                    // the former holder deleted the name between our open and our lock: start over
                }
                holder.close();
            }
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (HELD) {
            try (holder;
                    witness) {
                Files.deleteIfExists(file);
            } finally {
                HELD.remove(file);
            }
        }
    }

    private static boolean meetsOurLock(FileChannel witness) throws IOException {
        try {
            witness.tryLock();
            return false;
        } catch (OverlappingFileLockException e) {
            return true;
        }
    }
}

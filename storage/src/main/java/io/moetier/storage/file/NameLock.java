package io.moetier.storage.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// A lock that is a file: keeps two processes apart, and two threads of this one. A killed holder's lock is free again.
///
/// The lock file is deleted on release, so a lock may be won on a file that has just lost its name. The second
/// channel tells: opened by name, it must meet our own lock. It stays open as long as the lock, because on POSIX
/// systems closing any descriptor of a file drops the process's locks on it.
public final class NameLock implements AutoCloseable {
    /// The locks of this process. They belong to the process, not to an object, hence static; the set also keeps a
    /// second attempt from opening the file, whose closing would drop the first one's lock.
    private static final Set<Path> HELD = new HashSet<>();

    private final Path file;
    private final FileChannel holder;
    private final FileChannel witness;

    private NameLock(Path file, FileChannel holder, FileChannel witness) {
        this.file = file;
        this.holder = holder;
        this.witness = witness;
    }

    /// Takes the lock `file`, which is made if need be; nothing if somebody holds it.
    ///
    /// @param file a real path but for its own name
    /// @throws IOException if the file cannot be made or locked
    public static Optional<NameLock> acquire(Path file) throws IOException {
        synchronized (HELD) {
            if (HELD.contains(file)) {
                return Optional.empty();
            }
            while (true) {
                FileChannel holder = open(file, StandardOpenOption.CREATE);
                try {
                    if (holder.tryLock() == null) {
                        holder.close();
                        return Optional.empty();
                    }
                    FileChannel witness = open(file, StandardOpenOption.WRITE);
                    if (meetsOurLock(witness)) {
                        HELD.add(file);
                        return Optional.of(new NameLock(file, holder, witness));
                    }
                    witness.close();
                } catch (NoSuchFileException e) {
                    // the former holder deleted the name between our open and our lock: start over
                } catch (IOException e) {
                    holder.close();
                    throw e;
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

    /// A link of that name is nobody's lock.
    private static FileChannel open(Path file, StandardOpenOption option) throws IOException {
        return FileChannel.open(file, option, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
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

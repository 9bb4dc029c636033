package io.moetier.storage.platform;

import io.moetier.storage.file.TemporaryDirectory;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;

/// Files that only this user can have written, so that native code among them may be loaded.
///
/// Whoever can write a file, or the directory that it is in, can run code as the user who loads it. Hence every file
/// must belong to the user of this process and be closed to others, and so must its directory, whose parent must not
/// be open to everyone. Where a file system knows no such permissions, Windows above all, only owners are compared.
///
/// A file system that lets nothing be executed (mounted `noexec`) is of no use either.
public final class PrivateDirectory implements AutoCloseable {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");
    private static final String NOT_EXECUTABLE = "nothing in it may be executed (it is mounted noexec)";
    private static final int BUFFER_BYTES = 256 * 1024;

    private final Path path;
    private final UserPrincipal user;
    private final Optional<TemporaryDirectory> temporary;

    private PrivateDirectory(Path path, UserPrincipal user, Optional<TemporaryDirectory> temporary) {
        this.path = path;
        this.user = user;
        this.temporary = temporary;
    }

    /// Opens a directory whose files stay, or a temporary one where that is not this user's alone, cannot be written or
    /// is mounted `noexec`.
    ///
    /// @throws IOException if there is neither
    public static PrivateDirectory open(Path path) throws IOException {
        try {
            return kept(path);
        } catch (IOException refusal) { // of no concern to a user: only the next start takes longer
            try {
                return temporary();
            } catch (IOException e) {
                throw new IOException(IoFailure.sentence(refusal) + "; in its place " + IoFailure.sentence(e), e);
            }
        }
    }

    /// Opens a directory whose files stay, making it and its parents where they are missing.
    ///
    /// @throws IOException if it cannot be written or executed, or if others can write it
    static PrivateDirectory kept(Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        Files.createDirectories(path, ownerOnly(path));
        UserPrincipal user = userWhoExecutes(path);
        if (!isPrivate(path, user)) {
            throw new FileSystemException(path.toString(), null, "others may write to it");
        }
        if (parent != null && isPosix(path) && permissions(parent).contains(PosixFilePermission.OTHERS_WRITE)) {
            throw new FileSystemException(parent.toString(), null, "everyone may write to it");
        }
        return new PrivateDirectory(path, user, Optional.empty());
    }

    /// Makes a directory that goes with its files on [#close()].
    ///
    /// @throws IOException if it cannot be made, or nothing in it could be executed
    public static PrivateDirectory temporary() throws IOException {
        TemporaryDirectory directory = TemporaryDirectory.create(Platform.temporaryFiles(), "native");
        try {
            Path path = directory.path();
            return new PrivateDirectory(path, userWhoExecutes(path), Optional.of(directory));
        } catch (IOException e) {
            directory.close();
            throw e;
        }
    }

    /// Returns the file `name` with the content of `resource`, which is written unless it is there already.
    public Path unpack(URL resource, String name) throws IOException {
        Path target = path.resolve(name);
        if (!isPrivate(target, user) || checksum(target) != checksum(resource)) {
            try (InputStream in = resource.openStream()) {
                write(in, target);
            }
        }
        return target;
    }

    /// Returns the text of the file `name`, if it is there and nobody else can have written it.
    public Optional<String> text(String name) throws IOException {
        Path file = path.resolve(name);
        return isPrivate(file, user) ? Optional.of(Files.readString(file)) : Optional.empty();
    }

    /// Writes the file `name`, in place of one that may be there.
    public void replace(String name, String text) throws IOException {
        write(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), path.resolve(name));
    }

    /// Writes a file that was not there before and returns where it is.
    public Path write(byte[] content, String name) throws IOException {
        Path target = path.resolve(name);
        Files.createFile(target, ownerOnly(path));
        try {
            return Files.write(target, content);
        } catch (IOException e) {
            throw IoFailure.toWrite(target, e);
        }
    }

    /// Deletes a temporary directory with the files that it has now when the JVM ends.
    public void closeAtExit() throws IOException {
        if (temporary.isPresent()) {
            temporary.get().closeAtExit();
        }
    }

    /// Deletes the files of a temporary directory. Code that was loaded from them stays loaded.
    @Override
    public void close() throws IOException {
        try {
            if (temporary.isPresent()) {
                temporary.get().close();
            }
        } catch (IOException e) { // Windows keeps what is loaded
            closeAtExit();
        }
    }

    /// Writes beside the target and renames, so that another process never loads half a file. What a killed one leaves
    /// goes with other unfinished files.
    private static void write(InputStream in, Path target) throws IOException {
        try (UnfinishedFile partial = UnfinishedFile.createPrivate(target)) {
            try (var out = Files.newOutputStream(partial.path())) {
                in.transferTo(out);
            } catch (IOException e) {
                throw IoFailure.toWrite(target, e);
            }
            if (isPosix(target)) {
                Files.setPosixFilePermissions(partial.path(), OWNER_ONLY);
            }
            partial.publish();
        }
    }

    /// Whoever owns a new file is who this process runs as; the properties of the JVM only know a name.
    ///
    /// @throws FileSystemException if that user may execute nothing there
    private static UserPrincipal userWhoExecutes(Path directory) throws IOException {
        Path probe = directory.resolve(scratchName());
        Files.createFile(probe, ownerOnly(directory));
        try {
            if (!Files.isExecutable(probe)) { // access(2) asks the mount, too
                throw new FileSystemException(directory.toString(), null, NOT_EXECUTABLE);
            }
            return Files.getOwner(probe, LinkOption.NOFOLLOW_LINKS);
        } finally {
            Files.deleteIfExists(probe);
        }
    }

    private static String scratchName() {
        // Not the number of the process: containers that share a directory each have a process 1.
        return "unpacking-" + Long.toHexString(System.nanoTime()) + ".part";
    }

    private static FileAttribute<?>[] ownerOnly(Path place) {
        return isPosix(place)
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER_ONLY)}
                : new FileAttribute<?>[0];
    }

    private static boolean isPrivate(Path file, UserPrincipal user) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                || Files.isSymbolicLink(file)
                || !Files.getOwner(file, LinkOption.NOFOLLOW_LINKS).equals(user)) {
            return false;
        }
        if (!isPosix(file)) {
            return true;
        }
        Set<PosixFilePermission> permissions = permissions(file);
        return !permissions.contains(PosixFilePermission.GROUP_WRITE)
                && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }

    private static boolean isPosix(Path file) {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static Set<PosixFilePermission> permissions(Path file) throws IOException {
        return Files.readAttributes(file, PosixFileAttributes.class).permissions();
    }

    private static long checksum(Path file) throws IOException {
        CRC32 checksum = new CRC32();
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            while (channel.read(buffer) >= 0) {
                checksum.update(buffer.flip());
                buffer.clear();
            }
        }
        return checksum.getValue();
    }

    /// Returns the checksum that a jar keeps of its entry, for which nothing need be unpacked.
    private static long checksum(URL resource) throws IOException {
        URLConnection connection = resource.openConnection();
        if (connection instanceof JarURLConnection jar && jar.getJarEntry().getCrc() >= 0) {
            return jar.getJarEntry().getCrc();
        }
        CRC32 checksum = new CRC32();
        try (InputStream in = connection.getInputStream()) {
            checksum.update(in.readAllBytes());
        }
        return checksum.getValue();
    }
}

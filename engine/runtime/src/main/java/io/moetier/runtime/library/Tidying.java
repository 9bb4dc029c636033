package io.moetier.runtime.library;

import io.moetier.storage.expert.ExpertStoreWriter;
import io.moetier.storage.file.Leftovers;
import io.moetier.storage.memory.ByteSize;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Clears away what killed commands left in folders that a command looks into, and says in a line how much that was.
/// What a living one writes stays, and so does everything that is not ours.
public final class Tidying {
    private final Consumer<String> notes;

    /// @param notes takes a line for people
    public Tidying(Consumer<String> notes) {
        this.notes = notes;
    }

    /// Clears the cache, everywhere in it; returns what became of what was left.
    public Leftovers cache(Path cache) {
        List<Path> folders = new ArrayList<>(List.of(cache));
        try (DirectoryStream<Path> models =
                Files.newDirectoryStream(cache, path -> Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))) {
            models.forEach(folders::add);
        } catch (IOException | DirectoryIteratorException e) {
            return Leftovers.NONE; // there is none yet, or it cannot be read
        }
        return told(
                folders.stream().map(ExpertStoreWriter::clearLeftovers).reduce(Leftovers.NONE, Leftovers::plus), cache);
    }

    /// Clears one folder.
    public void folder(Path folder) {
        told(ExpertStoreWriter.clearLeftovers(folder), folder);
    }

    private Leftovers told(Leftovers found, Path where) {
        if (found.removedBytes() > 0) {
            notes.accept(
                    "removed " + ByteSize.format(found.removedBytes()) + " that a killed command left in " + where);
        }
        return found;
    }
}

package io.moetier.cluster.drive;

import io.moetier.cluster.membership.Ownership;
import io.moetier.cluster.placement.Placement;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The placement of a model that is in force: known to all members, and kept in a file of this machine, so that
/// a cluster that was ended as a whole finds each expert where it has been before. Where members have room for no other
/// table, it is known here alone, which is said once.
///
/// Confined to one thread at a time.
final class KeptPlacement {
    private final String model;
    private final int[] ids;
    private final Ownership ownership;
    private final Optional<Path> file;
    private final Consumer<String> says;
    private @Nullable Placement inForce;
    private boolean saidUnknown;

    /// @param model the digest of its experts
    /// @param ids of these, packed, ascending
    /// @param file where it is kept, if anywhere
    /// @param says is told in a sentence that other members are not told
    KeptPlacement(String model, int[] ids, Ownership ownership, Optional<Path> file, Consumer<String> says) {
        this.model = model;
        this.ids = ids.clone();
        this.ownership = ownership;
        this.file = file;
        this.says = says;
        inForce = ownership
                .table(model)
                .flatMap(this::parsed)
                .or(() -> file.flatMap(this::read))
                .orElse(null);
    }

    /// Whoever made a table that cannot be read here, or is one of other experts, made it for others.
    private Optional<Placement> parsed(byte[] table) {
        try {
            return Optional.of(Placement.parse(table)).filter(placement -> Arrays.equals(ids, placement.ids()));
        } catch (MalformedModelException e) {
            return Optional.empty();
        }
    }

    private Optional<Placement> read(Path file) {
        try {
            return Files.isRegularFile(file) ? parsed(Files.readAllBytes(file)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // experts are placed as if it were the first time
        }
    }

    Optional<Placement> inForce() {
        return Optional.ofNullable(inForce);
    }

    /// Puts another placement in force, unless it is the same.
    void replace(Placement placement) {
        if (inForce().filter(placement::equals).isPresent()) {
            return;
        }
        byte[] bytes = placement.bytes();
        publish(bytes);
        file.ifPresent(path -> keep(path, bytes));
        inForce = placement;
    }

    private void publish(byte[] table) {
        try {
            ownership.publish(model, table);
        } catch (IllegalArgumentException e) {
            if (!saidUnknown) {
                saidUnknown = true;
                says.accept("who owns which expert is known to this driver alone: " + e.getMessage());
            }
        }
    }

    private static void keep(Path file, byte[] bytes) {
        try {
            Files.createDirectories(UnfinishedFile.folderOf(file));
            try (UnfinishedFile unfinished = UnfinishedFile.create(file)) {
                Files.write(unfinished.path(), bytes);
                unfinished.publish();
            }
        } catch (IOException e) {
            // the next cluster as a whole finds its experts elsewhere, and has them sent again
        }
    }
}

package io.moetier.cluster.copy;

import io.moetier.runtime.offload.ExpertSource;
import io.moetier.storage.expert.AbsentExpertException;
import io.moetier.storage.expert.ExpertStore;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.expert.PartialStore;
import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What a node has of a model on its disk: all of it, or some experts. Every block that is read has met its checksum.
///
/// Shareable between threads; no read may be under way when it is closed.
public interface NodeStore extends BlockSource, AutoCloseable {
    /// Returns what the model's experts are, those that are not here among them.
    StoreManifest manifest();

    /// Returns the packed ids of the experts that are here, ascending.
    int[] onDisk();

    /// Returns the store that further blocks can be put into; none where all are here.
    Optional<PartialStore> growing();

    /// @throws AbsentExpertException if the expert is not here, or no longer
    /// @throws MalformedModelException if its block cannot be read or is damaged; then it may no longer be here
    @Override
    void read(int id, MemorySegment destination);

    /// Returns some experts as the tier above the disk sees them, those that are not here yet among them: who reads one
    /// of these is told so by an [AbsentExpertException].
    ///
    /// @param ids packed
    /// @param losses hears of those that turn out to be damaged when they are read
    default ExpertSource source(int[] ids, LossListener losses) {
        return new AssignedExperts(this, ids, losses);
    }

    @Override
    void close();

    /// Opens what this machine has of the model that a manifest tells of.
    ///
    /// @param stores where whole stores may be; the first one that is of the same model and has the same
    ///     blocks is used where it lies
    /// @param folder for some experts of it otherwise
    /// @throws IOException if the folder cannot be used
    /// @throws MalformedModelException if experts of such a model cannot be kept, or the process may open no
    ///     more files
    static NodeStore open(List<Path> stores, Path folder, StoreManifest manifest) throws IOException {
        for (Path directory : stores) {
            Optional<NodeStore> whole = openWhole(directory, manifest);
            if (whole.isPresent()) {
                return whole.get();
            }
        }
        return new SomeExperts(PartialStore.open(folder, manifest));
    }

    /// Returns all experts of a store.
    static NodeStore of(ExpertStore store) {
        return new AllExperts(store);
    }

    private static Optional<NodeStore> openWhole(Path directory, StoreManifest manifest) {
        try {
            if (isOfTheSame(StoreManifest.read(directory), manifest)) {
                ExpertStore store = ExpertStore.open(directory, IoMode.AUTO);
                if (isOfTheSame(store.manifest(), manifest)) { // nobody has replaced it in between
                    return Optional.of(of(store));
                }
                store.close();
            }
        } catch (MalformedModelException e) {
            if (IoFailure.isForWantOfFiles(e)) {
                throw e; // or all of it would come anew
            }
            // no store, or a damaged one: the driver's blocks are asked for instead
        }
        return Optional.empty();
    }

    private static boolean isOfTheSame(StoreManifest found, StoreManifest wanted) {
        return found.expertsDigest().equals(wanted.expertsDigest());
    }
}

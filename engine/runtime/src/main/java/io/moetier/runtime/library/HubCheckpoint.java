package io.moetier.runtime.library;

import io.moetier.runtime.hub.Hub;
import io.moetier.runtime.hub.HubFile;
import io.moetier.runtime.hub.HubRepository;
import io.moetier.runtime.hub.HubSelection;
import io.moetier.runtime.model.family.Families;
import io.moetier.storage.format.Checkpoint;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A checkpoint on the hub, before it is downloaded: what its `config.json` and its first weights say.
record HubCheckpoint(Hub hub, HubRepository repository, List<HubFile> files) {
    private static final String CONFIG = "config.json";
    private static final String WEIGHTS = ".safetensors";
    private static final int MOST = 16 << 20; // of a description; a longer one is read once it is here

    /// Refuses a checkpoint of which a small part tells that no import would read it.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException as an import
    static void requireReadable(Hub hub, HubRepository repository, HubSelection selection) {
        if (selection.model().filter(String::isEmpty).isPresent()) {
            new HubCheckpoint(hub, repository, selection.files()).requireReadable();
        }
    }

    private void requireReadable() {
        Optional<JsonObject> config = files.stream()
                .filter(file -> file.path().equals(CONFIG))
                .findFirst()
                .filter(file -> file.bytes() <= MOST)
                .map(file -> json(file, hub.read(repository, file, 0, (int) file.bytes())));
        if (config.isPresent()) {
            Families.describeWithMtp(config.get());
            firstHeader().ifPresent(header -> Checkpoint.requireUnquantised(config.get(), header));
        }
    }

    /// Returns the header of the first file of weights: how long it is, then what is in the file.
    private Optional<JsonObject> firstHeader() {
        Optional<HubFile> first = files.stream()
                .filter(file -> file.path().endsWith(WEIGHTS) && file.bytes() > Long.BYTES)
                .findFirst();
        if (first.isEmpty()) {
            return Optional.empty();
        }
        HubFile file = first.get();
        byte[] start = hub.read(repository, file, 0, Long.BYTES);
        long length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return length > 0 && length <= Math.min(MOST, file.bytes() - Long.BYTES)
                ? Optional.of(json(file, hub.read(repository, file, Long.BYTES, (int) length)))
                : Optional.empty(); // its reader says what is wrong
    }

    private JsonObject json(HubFile file, byte[] text) {
        return Json.parseObject(text, Path.of(repository.name().withoutSelection() + "/" + file.path()));
    }
}

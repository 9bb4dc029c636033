package io.moetier.cluster.copy;

import io.moetier.storage.expert.StoreManifest;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.NoMoreFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Run by a test in a JVM of its own: opens a node's store before, while and after no file can be opened.
final class OpenWithoutFiles {
    private OpenWithoutFiles() {}

    public static void main(String[] arguments) throws IOException {
        Path whole = Path.of(arguments[0]);
        Path folder = Path.of(arguments[1]);
        StoreManifest manifest = StoreManifest.read(whole);
        System.out.println(open(whole, folder, manifest));
        boolean _ = IoFailure.isForWantOfFiles(new MalformedModelException("loaded"));
        String without;
        try (NoMoreFiles _ = new NoMoreFiles()) {
            without = open(whole, folder, manifest);
        }
        System.out.println(without);
        System.out.println(open(whole, folder, manifest));
    }

    private static String open(Path whole, Path folder, StoreManifest manifest) throws IOException {
        try (NodeStore store = NodeStore.open(List.of(whole), folder, manifest)) {
            return store.growing().isEmpty() ? "all experts" : "some experts";
        } catch (MalformedModelException e) {
            return String.valueOf(e.getMessage()).replace(whole + "/", "");
        }
    }
}

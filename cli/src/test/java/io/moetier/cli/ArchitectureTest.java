package io.moetier.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.StringEntry;
import java.lang.reflect.AccessFlag;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The rules of docs/ARCHITECTURE.md that a machine can check.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArchitectureTest {
    private static final int LEAST_CLASSES = 1_250;
    /// A package with more files than that has a second subject, which wants a package of its own.
    private static final int MOST_FILES = 40;
    /// But for that one, which has a file for each family of models: one subject, however many there are.
    private static final String LIST = "io.moetier.runtime.model.family";
    /// Who has more parts has groups among them that want a name.
    private static final int MOST_PARTS = 7;
    /// Interfaces, annotations and package-info have none.
    private static final int LEAST_CONSTRUCTED = 1_000;
    private static final int LARGE = 1 << 20;
    private static final List<String> MODULES = List.of(
            "storage",
            "engine/kernels",
            "engine/runtime",
            "engine/api",
            "engine/langchain4j",
            "engine/cluster",
            "tools/emulator",
            "tools/lab",
            "cli");
    private static final Set<String> PROPERTY_READERS = Set.of(
            "java.lang.System.getProperty",
            "java.lang.System.getProperties",
            "java.lang.Boolean.getBoolean",
            "java.lang.Integer.getInteger",
            "java.lang.Long.getLong");
    /// Who reads system properties outside cli, and why. None of them configures anything.
    private static final Map<String, String> PROPERTIES_ASKED_FOR = Map.of(
            "io.moetier.storage.platform.Platform",
            "os.name and os.arch: jars have a native library for each platform, and calls of C have flags of Linux;"
                    + " java.io.tmpdir: native libraries go there where the cache is mounted noexec",
            "io.moetier.Model",
            "user.home: where models are imported if nobody names a folder");
    private static final Pattern FLAG = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*");
    /// The JVM's own, which whoever starts one can give.
    private static final Set<String> JVM_FLAGS = Set.of("--add-modules");
    /// A program for developers, which reads its own arguments.
    private static final String OTHER_COMMAND_LINE = "io.moetier.lab.synthetic.Arguments";

    /// A quarter of a gigabyte, which goes when these tests are done.
    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("/jmh_generated/"))
            .importPackages("io.moetier");

    @Test
    void theScanSawTheProject() {
        assertTrue(classes.size() >= LEAST_CLASSES, () -> "saw only " + classes.size());
    }

    @Test
    void modulesPointDownwards() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("cli")
                .definedBy("io.moetier.cli..")
                .layer("bench")
                .definedBy("io.moetier.bench..")
                .layer("lab")
                .definedBy("io.moetier.lab..")
                .layer("api")
                .definedBy("io.moetier")
                .layer("langchain4j")
                .definedBy("io.moetier.langchain4j..")
                .layer("runtime")
                .definedBy("io.moetier.runtime..")
                .layer("cluster")
                .definedBy("io.moetier.cluster..")
                .layer("kernels")
                .definedBy("io.moetier.kernels..")
                .layer("emulator")
                .definedBy("io.moetier.emulator..")
                .layer("storage")
                .definedBy("io.moetier.storage..")
                .layer("testdata")
                .definedBy("io.moetier.testdata..")
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("bench")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("lab")
                .mayOnlyBeAccessedByLayers("cli", "bench")
                .whereLayer("langchain4j")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("api")
                .mayOnlyBeAccessedByLayers("langchain4j", "cli")
                .whereLayer("cluster")
                .mayOnlyBeAccessedByLayers("lab", "bench", "cli")
                .whereLayer("runtime")
                .mayOnlyBeAccessedByLayers("api", "cluster", "lab", "bench", "cli")
                .whereLayer("kernels")
                .mayOnlyBeAccessedByLayers("runtime", "api", "cluster", "lab", "bench", "cli")
                .whereLayer("emulator")
                .mayOnlyBeAccessedByLayers("lab", "bench", "cli")
                .whereLayer("storage")
                .mayOnlyBeAccessedByLayers("emulator", "kernels", "runtime", "api", "cluster", "lab", "bench", "cli")
                .whereLayer("testdata")
                .mayNotBeAccessedByAnyLayer()
                .check(classes);
    }

    /// Devices that are not there, and their time, are the laboratory's.
    @Test
    void theEngineHasNoVirtualTime() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "io.moetier", "io.moetier.runtime..", "io.moetier.kernels..", "io.moetier.storage..")
                .should()
                .haveNameMatching(".*[.$](Virtual|Simulated|Emulated|Fake|HostClock)\\w*")
                .check(classes);
    }

    /// Jars are made of these folders; what tests read has a module of its own.
    @Test
    void noModuleCarriesTestData() throws IOException {
        Set<String> fixtures = contents(TestData.root().toAbsolutePath());
        assertTrue(fixtures.size() > 100, () -> "found only " + fixtures.size());
        for (String module : MODULES) {
            Set<String> carried =
                    contents(TestData.root().resolveSibling(module).resolve("target/classes"));
            carried.retainAll(fixtures);
            assertEquals(Set.of(), carried, module);
        }
    }

    /// Returns the contents of all small files that javac and Maven did not make, byte for byte.
    private static Set<String> contents(Path folder) throws IOException {
        Set<String> contents = new HashSet<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                boolean isBuilt = folder.relativize(file).startsWith("target")
                        || file.toString().endsWith(".class");
                if (!isBuilt && Files.size(file) < LARGE) {
                    contents.add(Files.readString(file, StandardCharsets.ISO_8859_1));
                }
            }
        }
        contents.remove("");
        return contents;
    }

    /// As an embedder's program does.
    @Test
    void examplesUseTheLibraryAlone() throws IOException {
        Pattern imported = Pattern.compile("(?m)^import (?:static )?(io\\.moetier(?:\\.[a-z]\\w*)*)\\.[A-Z]");
        Set<String> packages = new TreeSet<>();
        for (String module : List.of("engine/api", "engine/langchain4j")) {
            try (Stream<Path> examples =
                    Files.list(TestData.root().resolveSibling(module).resolve("examples"))) {
                for (Path example : examples.toList()) {
                    imported.matcher(Files.readString(example)).results().forEach(line -> packages.add(line.group(1)));
                }
            }
        }
        assertEquals(Set.of("io.moetier", "io.moetier.langchain4j"), packages);
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching("io.moetier.(**)").should().beFreeOfCycles().check(classes);
    }

    @Test
    void packagesAreOfOneSubject() {
        Map<String, Long> files = classes.stream()
                .filter(JavaClass::isTopLevelClass)
                .filter(type -> !type.getSimpleName().equals("package-info"))
                .collect(Collectors.groupingBy(JavaClass::getPackageName, Collectors.counting()));
        files.values().removeIf(number -> number <= MOST_FILES);
        files.remove(LIST);
        assertEquals(Map.of(), files);
    }

    /// Values that are told apart by their position alone are exchanged sooner or later, and that compiles.
    ///
    /// Local classes, but for records, are left out: what they use of their method is a parameter, too.
    @Test
    void nothingIsPutTogetherOfMoreThanAFewParts() {
        Set<String> large = new TreeSet<>();
        Set<String> constructed = new HashSet<>();
        classes.stream()
                .filter(type -> type.isRecord() || !(type.isLocalClass() || type.isAnonymousClass()))
                .forEach(type -> constructors(type).forEach(constructor -> {
                    constructed.add(type.getName());
                    long parts = parts(type, constructor);
                    if (parts > MOST_PARTS) {
                        large.add(type.getName() + ": " + parts);
                    }
                }));
        assertEquals(Set.of(), large);
        assertTrue(constructed.size() >= LEAST_CONSTRUCTED, () -> "saw only " + constructed.size());
    }

    private static Stream<MethodModel> constructors(JavaClass type) {
        return parse(type).methods().stream()
                .filter(method -> method.methodName().equalsString("<init>"));
    }

    /// Returns how many parameters a constructor declares; of a record, how many components it has.
    ///
    /// The compiler adds the name and number of enums and the object around an inner class. The parameters of a
    /// record it calls mandated, too.
    private static long parts(JavaClass type, MethodModel constructor) {
        long added = constructor.findAttribute(Attributes.methodParameters()).stream()
                .flatMap(parameters -> parameters.parameters().stream())
                .filter(parameter ->
                        parameter.has(AccessFlag.SYNTHETIC) || (parameter.has(AccessFlag.MANDATED) && !type.isRecord()))
                .count();
        return constructor.methodTypeSymbol().parameterCount() - added;
    }

    @Test
    void everyLibraryHasOneImporter() {
        importedOnlyBy("net.openhft..", "io.moetier.storage.expert..").check(classes);
        importedOnlyBy("com.fasterxml..", "io.moetier.storage.format..").check(classes);
        importedOnlyBy("com.github.benmanes..", "io.moetier.storage.cache..").check(classes);
        importedOnlyBy("jdk.incubator.vector..", "io.moetier.kernels.cpu..").check(classes);
        importedOnlyBy("org.lwjgl..", "io.moetier.kernels.cuda.driver..").check(classes);
        importedOnlyBy("ai.djl..", "io.moetier.runtime.text..").check(classes);
        importedOnlyBy("com.hubspot..", "io.moetier.runtime.text.jinja..").check(classes);
        importedOnlyBy("com.twelvemonkeys..", "io.moetier.runtime.image..").check(classes);
        importedOnlyBy("java.net.http..", "io.moetier.runtime.hub..").check(classes);
        importedOnlyBy("io.grpc..", "io.moetier.cluster.link..", "io.moetier.cluster.copy..")
                .check(classes);
        importedOnlyBy("dev.langchain4j..", "io.moetier.langchain4j..").check(classes);
        // the benchmark of links measures what they were chosen before
        importedOnlyBy("org.jgroups..", "io.moetier.cluster.membership.jgroups..", "io.moetier.bench..")
                .check(classes);
        importedOnlyBy("org.openjdk.jmh..", "io.moetier.bench..").check(classes);
        importedOnlyBy("picocli..", "io.moetier.cli..").check(classes);
        importedOnlyBy("org.jline..", "io.moetier.cli..").check(classes);
    }

    @Test
    void policiesSeeIdsAndNeverBytes() {
        noClasses()
                .that()
                .resideInAPackage("io.moetier.storage.cache..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.lang.foreign..", "java.nio..", "java.io..")
                .check(classes);
    }

    @Test
    void namesSayWhatThingsAre() {
        noClasses()
                .should()
                .haveNameMatching(".*(Impl|Manager|Helper|Utils?|Handler)")
                .orShould()
                .haveSimpleNameStartingWith("Abstract")
                .check(classes);
    }

    /// In a chroot whose root is no mount point a directory has none; `ChrootTest` tries the two that know it.
    @Test
    void nobodyAsksAFileStoreForRoom() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName("io.moetier.storage.expert.DirectIo")
                .and()
                .doNotHaveFullyQualifiedName("io.moetier.storage.expert.ExpertMap")
                .should()
                .callMethod(Files.class, "getFileStore", Path.class)
                .check(classes);
    }

    @Test
    void onlyTheCommandLinePrints() {
        NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(
                classes.that(DescribedPredicate.not(JavaClass.Predicates.resideInAPackage("..cli.."))));
        noClasses()
                .that()
                .resideOutsideOfPackage("..cli..")
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(System.class, "getenv", String.class)
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.IO")
                .check(classes);
    }

    /// Whoever embeds the library has fields and no flags; `OptionFlags` in cli knows which flag a field has.
    @Test
    void onlyTheCommandLineNamesFlags() {
        Set<String> named = classes.stream()
                .filter(type -> !type.getPackageName().startsWith("io.moetier.cli"))
                .filter(type -> !type.getPackageName().startsWith("io.moetier.testdata")) // which start programs
                .filter(type -> !type.getName().equals(OTHER_COMMAND_LINE))
                .flatMap(type ->
                        strings(type).filter(ArchitectureTest::namesFlag).map(text -> type + ": " + text))
                .collect(Collectors.toSet());
        assertEquals(Set.of(), named);
        assertTrue(classes.stream().flatMap(ArchitectureTest::strings).anyMatch(ArchitectureTest::namesFlag));
    }

    private static boolean namesFlag(String text) {
        return FLAG.matcher(text).results().anyMatch(flag -> !JVM_FLAGS.contains(flag.group()));
    }

    /// Returns the string constants of a class, and what its messages are put together from.
    private static Stream<String> strings(JavaClass type) {
        List<String> strings = new ArrayList<>();
        for (PoolEntry entry : parse(type).constantPool()) {
            if (entry instanceof StringEntry string) {
                strings.add(string.stringValue());
            }
        }
        return strings.stream();
    }

    private static ClassModel parse(JavaClass type) {
        try (InputStream bytes = type.getSource().orElseThrow().getUri().toURL().openStream()) {
            return ClassFile.of().parse(bytes.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void onlyTheCommandLineReadsProperties() {
        Predicate<JavaClass> reads = type -> type.getMethodCallsFromSelf().stream()
                .map(call -> call.getTargetOwner().getName() + "." + call.getName())
                .anyMatch(PROPERTY_READERS::contains);
        Set<String> readers = classes.stream()
                .filter(type -> !type.getPackageName().startsWith("io.moetier.cli"))
                .filter(type -> !type.getPackageName().startsWith("io.moetier.testdata")) // what tests are set with
                .filter(reads)
                .map(type -> type.getName().replaceFirst("\\$.*", ""))
                .collect(Collectors.toSet());
        assertEquals(PROPERTIES_ASKED_FOR.keySet(), readers);
    }

    @Test
    void everyPackageIsNullMarked() {
        List<String> bare = classes.stream()
                .map(JavaClass::getPackage)
                .distinct()
                .filter(p -> !p.isAnnotatedWith("org.jspecify.annotations.NullMarked"))
                .map(JavaPackage::getName)
                .toList();
        assertEquals(List.of(), bare);
    }

    @Test
    void theTableNamesEveryPackage() throws IOException {
        String table = Files.readString(TestData.root().resolveSibling("docs/ARCHITECTURE.md"));
        Set<String> named = Pattern.compile("(?m)^\\| `([\\w.]+)` \\|")
                .matcher(table)
                .results()
                .map(row -> row.group(1))
                .collect(Collectors.toSet());
        Set<String> packages = classes.stream()
                .map(JavaClass::getPackageName)
                .filter(name -> !name.equals("io.moetier.testdata"))
                .map(name -> name.replaceFirst("^io\\.moetier\\.", ""))
                .collect(Collectors.toSet());
        assertEquals(packages, named);
    }

    private static ArchRule importedOnlyBy(String library, String... owners) {
        return noClasses()
                .that()
                .resideOutsideOfPackages(owners)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(library)
                .allowEmptyShould(true);
    }
}

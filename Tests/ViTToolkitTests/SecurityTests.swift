import TensorCore
import TestSupport
import Testing

@testable import ViTToolkit

@Suite struct SecurityTests {
    private func checkpoint(_ name: String) throws -> Checkpoint {
        try Checkpoint(path: Fixtures.path("security/" + name))
    }

    @Test func theJSONHasItsShape() throws {
        let json = try SecurityReport(path: Fixtures.path("security/vit_command.pth")).json
        #expect(
            json.members?.map(\.key) == [
                "verdict", "complete", "opcodes", "globals", "calls", "callsLeftOut", "pickles",
                "picklesLeftOut",
                "findings",
            ])
        #expect(json["verdict"]?.string == "dangerous" && json["complete"]?.bool == true)
        #expect(
            json["globals"]?.array?.first?.members?.map(\.key) == [
                "module", "name", "verdict", "count", "reason",
            ])
        let call = try #require(json["calls"]?.array?.first)
        #expect(call.members?.map(\.key) == ["call", "verdict", "opcode", "pickle", "offset"])
        #expect(call["call"]?.string == #"os.system("touch vit-convert-was-tricked")"#)
    }

    @Test func theTextSaysWhatWouldRun() throws {
        let sections = try SecurityReport(path: Fixtures.path("security/vit_command.pth")).sections
        #expect(sections.first?.rows.first?.last?.hasPrefix("DANGEROUS") == true)
        let harmless = try SecurityReport(path: Fixtures.path("safetensors/plain.safetensors")).sections
        #expect(harmless.first?.rows == [["security", "no pickle: nothing in this file can run code"]])
    }

    @Test func aConversionRefusesWhatWouldRunCode() throws {
        let folder = try TemporaryFolder()
        let output = folder.path + "out.swt"
        var options = ModelOptions()
        options.heads = 2
        let error = #expect(throws: ToolkitError.self) {
            try convert(try checkpoint("vit_command.pth"), to: output, options: options)
        }
        #expect(error.map { "\($0)" }?.contains(#"os.system("touch vit-convert-was-tricked")"#) == true)
        #expect(error.map { "\($0)" }?.contains("--allow-unsafe-source") == true)
        #expect(folder.names.isEmpty)
        options.allowsUnsafeSource = true
        let conversion = try convert(try checkpoint("vit_command.pth"), to: output, options: options)
        #expect(conversion.model.remarks.contains { $0.contains("would run code") })
        #expect(folder.names == ["out.swt"])
    }

    @Test func aConversionRemarksOnForeignClasses() throws {
        let folder = try TemporaryFolder()
        var options = ModelOptions()
        options.heads = 2
        let conversion = try convert(
            try checkpoint("vit_foreign.pth"), to: folder.path + "a.swt", options: options)
        #expect(conversion.model.remarks.contains { $0.contains("project.config.Settings") })
        let plain = try convert(try checkpoint("vit_plain.pth"), to: folder.path + "b.swt", options: options)
        #expect(!plain.model.remarks.contains { $0.contains("Python") })
    }

    @Test func aComparisonOnlyRemarks() throws {
        var options = ComparisonOptions()
        options.a.heads = 2
        options.b.heads = 2
        let comparison = try compare(
            try checkpoint("vit_command.pth"), try checkpoint("vit_plain.pth"), options: options)
        #expect(comparison.isEqual)
        #expect(comparison.remarks.contains { $0.contains("would run code") })
    }
}

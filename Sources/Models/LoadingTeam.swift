import Kernels
import Platform

/// All processors of the process, for the time of a load.
final class LoadingTeam {
    let team: Team
    private let helpers: [NamedThread]

    init() {
        let team = Team(width: ProcessorLimits.current.threads)
        helpers = (1..<team.width).map { index in
            NamedThread(name: "quiver-load-\(index)") { team.serve() }
        }
        self.team = team
    }

    var crew: Crew { Crew(team) }

    /// Ends the threads; call it once.
    func end() {
        team.dismiss()
        helpers.forEach { $0.join() }
    }
}

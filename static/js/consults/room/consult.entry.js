// The consult page's script. The controls and states that tests look for are listed in
// consult_room.js.
import { ConsultRoom } from "./consult_room.js";
import { exposeForTests } from "./test_probe.js";

const room = new ConsultRoom();
exposeForTests(room);
room.start();
